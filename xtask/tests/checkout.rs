//! xtask works on the checkout in which it runs, wherever it was compiled.

use std::fs;
use std::process::Command;

/// A checkout that was copied together with its `target` folder has an xtask that was compiled in the original.
#[test]
fn xtask_works_on_the_checkout_that_cargo_runs_it_in() {
    let copy = tempfile::tempdir().unwrap();
    for folder in ["", "xtask", "kernel", "docs"] {
        fs::create_dir_all(copy.path().join(folder)).unwrap();
        fs::write(copy.path().join(folder).join("Cargo.toml"), "").unwrap();
    }
    let page = copy.path().join("docs/abi.md");
    let xtask = || {
        let mut xtask = Command::new(env!("CARGO_BIN_EXE_xtask"));
        xtask.arg("docs").env("CARGO_MANIFEST_DIR", copy.path().join("xtask"));
        xtask
    };
    assert!(xtask().status().unwrap().success());
    assert!(fs::read_to_string(&page).unwrap().contains("# The calls"));
    // Without cargo, it is the checkout around the current folder.
    fs::remove_file(&page).unwrap();
    let outside_of_cargo = xtask().env_remove("CARGO_MANIFEST_DIR").current_dir(copy.path().join("docs")).status();
    assert!(outside_of_cargo.unwrap().success() && page.is_file());
    let nowhere = tempfile::tempdir().unwrap();
    let refused = xtask().env_remove("CARGO_MANIFEST_DIR").current_dir(nowhere.path()).output().unwrap();
    assert!(String::from_utf8_lossy(&refused.stderr).contains("no checkout of BorrowOS"), "{refused:?}");
    assert_eq!(refused.status.code(), Some(1));
}
