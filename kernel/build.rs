//! Tells the linker where the kernel goes.

fn main() {
    // See `libsys/build.rs` for why these paths are relative.
    println!("cargo:rerun-if-changed=../linker/kernel.ld");
    println!("cargo:rustc-link-arg-bins=-Tlinker/kernel.ld");
}
