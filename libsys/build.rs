//! Tells programs where the linker script is.

fn main() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../linker/user.ld");
    println!("cargo:rerun-if-changed={script}");
    println!("cargo:linker-script={script}");
}
