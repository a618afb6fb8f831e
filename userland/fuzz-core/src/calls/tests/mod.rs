//! The model agrees with a kernel that is right, and finds each flaw of one that is not.

mod fake;

use abi::Number;

use super::{ARENA_BYTES, Caller, Setup};
use fake::{ARENA, EDGE, Fake, Flaw, OWN_PID, TEXT};

fn caller(seed: u64, flaw: Option<Flaw>) -> Caller<Fake> {
    let setup = Setup {
        seed,
        arena: ARENA,
        edge: EDGE,
        text: TEXT,
        has_fast_calls: true,
        pid: OWN_PID,
        protected: vec![1, 3, 4],
        tag: 7,
    };
    Caller::new(Fake::new(flaw), setup)
}

/// What a caller says of a kernel with this flaw within so many steps; nothing, if it finds nothing.
fn found(flaw: Flaw, seeds: std::ops::Range<u64>, steps: u32) -> Option<String> {
    seeds.into_iter().find_map(|seed| {
        let mut caller = caller(seed, Some(flaw));
        let mut run = || {
            (0..steps).try_for_each(|_| caller.step())?;
            caller.finish()
        };
        run().err().map(|mistake| mistake.text)
    })
}

#[test]
fn kernel_that_is_right_is_found_to_be_right() {
    for seed in 0..12 {
        let mut caller = caller(seed, None);
        for _ in 0..2500 {
            caller.step().unwrap();
        }
        caller.finish().unwrap();
        let fake = caller.into_machine();
        assert_eq!(fake.left_behind(), "", "seed {seed}");
    }
}

#[test]
fn each_call_but_exit_is_made_and_succeeds_and_is_refused() {
    let mut succeeded = std::collections::BTreeSet::new();
    let mut refused = std::collections::BTreeSet::new();
    for seed in 0..10 {
        let mut caller = caller(seed, None);
        (0..3000).try_for_each(|_| caller.step()).unwrap();
        let fake = caller.into_machine();
        succeeded.extend(fake.succeeded.iter().copied());
        refused.extend(fake.refused.iter().copied());
    }
    for call in Number::ALL {
        let number = *call as u32;
        let may_succeed = !matches!(call, Number::Exit | Number::Shutdown);
        assert_eq!(succeeded.contains(&number), may_succeed, "{}", call.name());
        assert_eq!(refused.contains(&number), !call.errors().is_empty(), "{}", call.name());
    }
}

#[test]
fn steps_follow_from_the_seed() {
    let log = |seed| {
        let mut caller = caller(seed, None);
        (0..500).try_for_each(|_| caller.step()).unwrap();
        caller.into_machine().log
    };
    assert!(log(1) == log(1) && log(1) != log(2));
}

#[test]
fn each_flaw_of_a_kernel_is_found() {
    for flaw in Flaw::ALL {
        let text = found(flaw, 0..40, 2500);
        assert!(text.is_some(), "{flaw:?} was not found");
    }
}

#[test]
fn mistake_names_the_call_its_arguments_and_its_answer() {
    let text = found(Flaw::UnlistedError, 0..40, 2500).unwrap();
    assert!(text.starts_with("Seek 000000"), "{text}");
    assert!(text.contains(" (ArgumentsTooLong): the table or the arguments do not allow this answer"), "{text}");
}

#[test]
fn the_fake_knows_the_edges_of_its_memory() {
    let fake = Fake::new(None);
    assert!(
        fake.may_write(ARENA, ARENA_BYTES) && !fake.may_write(ARENA - 1, 2) && !fake.may_write(EDGE, ARENA_BYTES + 1)
    );
    assert!(fake.may_read(TEXT, 4096) && !fake.may_write(TEXT, 1));
}
