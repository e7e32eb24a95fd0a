//! The command line: parses the arguments and calls the library.

fn main() {}
