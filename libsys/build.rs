//! Tells programs where the linker script is.

fn main() {
    // Relative to this package, and to the workspace, in which cargo starts the linker of its members. An absolute path would stay in
    // the `target` folder, and a copied checkout would be linked with the original's script.
    println!("cargo:rerun-if-changed=../linker/user.ld");
    println!("cargo:linker-script=linker/user.ld");
}
