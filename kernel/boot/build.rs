//! Tells the linker where the boot loader goes.

fn main() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../linker/boot.ld");
    println!("cargo:rerun-if-changed={script}");
    println!("cargo:rustc-link-arg-bins=-T{script}");
}
