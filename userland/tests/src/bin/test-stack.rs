//! Stacks grow as they are used, up to their limit. The growing is done by children, so that it ends with them.
#![no_std]
#![no_main]

use libsys::abi::FaultKind;
use libsys::abi::layout::STACK_LIMIT;
use libsys::memory::PAGE_SIZE;
use libsys::test::Verdict;
use libsys::{ExitReason, check, check_eq, system};
use tests::assist;

libsys::tests! {
    a_stack_grows_by_touching,
    a_stack_grows_in_one_big_step,
    a_call_may_write_into_stack_that_was_never_touched,
    a_stack_does_not_grow_past_its_limit,
    endless_recursion_is_called_a_stack_overflow,
    growth_is_given_back,
}

fn a_stack_grows_by_touching() -> Verdict {
    for bytes in ["4096", "0x10000", "0x100000"] {
        check_eq!(assist(&["stack", bytes])?, ExitReason::Exited(0));
    }
    Ok(())
}

fn a_stack_grows_in_one_big_step() -> Verdict {
    check_eq!(assist(&["stack", "0x7f0000"])?, ExitReason::Exited(0));
    Ok(())
}

fn a_call_may_write_into_stack_that_was_never_touched() -> Verdict {
    check_eq!(assist(&["stack-call", "0x3000"])?, ExitReason::Exited(0));
    check_eq!(assist(&["stack-call", "0x400000"])?, ExitReason::Exited(0));
    check_eq!(assist(&["stack-call", "0x900000"])?, ExitReason::Exited(1));
    Ok(())
}

fn a_stack_does_not_grow_past_its_limit() -> Verdict {
    let ended = assist(&["stack", "0x800000"])?;
    check!(matches!(ended, ExitReason::Fault { kind: FaultKind::StackOverflow, .. }), "{ended}");
    let ended = assist(&["stack", "0x2000000"])?;
    check!(matches!(ended, ExitReason::Fault { kind: FaultKind::Unallocated, .. }), "{ended}");
    Ok(())
}

fn endless_recursion_is_called_a_stack_overflow() -> Verdict {
    let ended = assist(&["recurse"])?;
    let ExitReason::Fault { kind: FaultKind::StackOverflow, address, .. } = ended else {
        return Err(ended.into());
    };
    check!((STACK_LIMIT - PAGE_SIZE..STACK_LIMIT).contains(&address), "it is said to be at {address:#010x}");
    Ok(())
}

fn growth_is_given_back() -> Verdict {
    assist(&["stack", "0x400000"])?;
    let before = system::info()?;
    assist(&["stack", "0x400000"])?;
    let after = system::info()?;
    check_eq!((before.pages_promised, before.frames_free), (after.pages_promised, after.frames_free));
    Ok(())
}
