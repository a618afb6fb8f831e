//! Links the program as a BorrowOS program.

fn main() {
    if let Ok(script) = std::env::var("DEP_BORROWOS_LINKER_SCRIPT") {
        println!("cargo:rustc-link-arg-bins=-T{script}");
    }
}
