//! Has the crate built anew when a migration is added: the compiler sees only those it embeds.

#[expect(
    clippy::print_stdout,
    reason = "this is how a build script talks to cargo"
)]
fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
