//! Tells the linker where the boot loader goes.

fn main() {
    // See `libsys/build.rs` for why these paths are relative.
    println!("cargo:rerun-if-changed=../../linker/boot.ld");
    println!("cargo:rustc-link-arg-bins=-Tlinker/boot.ld");
}
