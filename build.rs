//! Has the crate built anew when a migration is added: the compiler sees only those it embeds.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
