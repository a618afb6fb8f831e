//! Files mapped into memory: what a mapping shows, whom it shares its frames with, and how long.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec;
use alloc::vec::Vec;

use libsys::abi::{Access, FaultKind};
use libsys::files::{self, File, MappedFile};
use libsys::memory::{PAGE_SIZE, mapping};
use libsys::process::Process;
use libsys::test::Verdict;
use libsys::{Error, ExitReason, call, check, check_eq};
use tests::mapped::{READ, WRITE, address, byte_at, made, read, value, write};
use tests::{ASSIST, PAGE, run};

libsys::tests! {
    text_has_one_frame_for_all_who_run_it,
    one_page_of_a_file_has_one_frame_however_often_it_is_mapped,
    any_page_is_mapped_at_any_length,
    what_is_written_by_calls_is_seen_through_mappings_and_the_other_way_round,
    a_mapping_to_read_cannot_be_written_to,
    behind_the_end_are_zeros_that_never_get_into_the_file,
    a_mapping_outlives_close_and_remove,
    a_mapping_may_be_what_a_call_reads_from_or_writes_to,
}

fn text_has_one_frame_for_all_who_run_it() -> Verdict {
    // Three at once tell the same frame; it is theirs only while it is in memory, so somebody has to be lucky on a small machine.
    let mut told = Vec::new();
    for _ in 0..20 {
        let others = [Process::spawn(ASSIST, ["sleep", "200"])?, Process::spawn(ASSIST, ["sleep", "200"])?];
        let frame = |arguments: &[&str]| run(ASSIST, arguments).map(|status| status.reason);
        told = vec![frame(&["frame-of-text"])?, frame(&["frame-of-text"])?];
        for other in others {
            other.wait()?;
        }
        if matches!(told.as_slice(), [ExitReason::Exited(one @ 1..), ExitReason::Exited(other)] if one == other) {
            return Ok(());
        }
    }
    check!(false, "they told {told:?}");
    Ok(())
}

fn one_page_of_a_file_has_one_frame_however_often_it_is_mapped() -> Verdict {
    let file = made("often", 3)?;
    let all = [MappedFile::new(&file, 0, 3 * PAGE, READ)?, MappedFile::new(&file, 0, 3 * PAGE, WRITE)?];
    let second = MappedFile::new(&file, PAGE_SIZE, PAGE, WRITE)?;
    for round in 0..100 {
        write(&second, 5, round);
        let places = [all[0].as_ptr().wrapping_add(PAGE), all[1].as_ptr().wrapping_add(PAGE), second.as_ptr()];
        check_eq!([read(&all[0], PAGE + 5), read(&all[1], PAGE + 5), read(&second, 5)], [round; 3]);
        let frames = places.map(|place| mapping(place).ok().and_then(|mapping| mapping.physical_page));
        // On a small machine one may have been borrowed since it was touched.
        if frames.iter().all(Option::is_some) {
            check!(frames == [frames[0]; 3], "{frames:?}");
            break;
        }
        check!(round < 99, "{frames:?}");
    }
    check_eq!(mapping(second.as_ptr())?.disk_page, None, "it is in its file, and in no slot");
    drop(file);
    files::remove("often")?;
    Ok(())
}

fn any_page_is_mapped_at_any_length() -> Verdict {
    const PAGES: usize = 40;
    let file = made("any", PAGES)?;
    for (first, len) in [(0, 1), (0, PAGE), (1, PAGE + 1), (39, 10), (17, 23 * PAGE), (5, 4095), (0, PAGES * PAGE)] {
        let mapped = MappedFile::new(&file, u32::try_from(first)? * PAGE_SIZE, len, READ)?;
        check_eq!(mapped.as_ptr().addr() % PAGE, 0);
        for at in (0..len).step_by(509).chain([len - 1]) {
            check_eq!(read(&mapped, at), value(first + at / PAGE, at % PAGE), "byte {at} from page {first} on");
        }
    }
    drop(file);
    files::remove("any")?;
    Ok(())
}

fn what_is_written_by_calls_is_seen_through_mappings_and_the_other_way_round() -> Verdict {
    let mut file = made("coherent", 4)?;
    let [reader, writer] = [MappedFile::new(&file, 0, 4 * PAGE, READ)?, MappedFile::new(&file, 0, 4 * PAGE, WRITE)?];
    for round in 0..20 {
        let at = usize::from(round) * 797;
        write(&writer, at, round);
        check_eq!((byte_at(&mut file, u32::try_from(at)?)?, read(&reader, at)), (round, round));
        file.seek(u32::try_from(at)? + 1)?;
        file.write_all(&[round, round ^ 0xFF])?;
        check_eq!([read(&reader, at + 1), read(&writer, at + 2)], [round, round ^ 0xFF]);
    }
    // Another process sees it too.
    write(&writer, 2 * PAGE, 0x5A);
    check_eq!(run(ASSIST, &["map-read", "coherent", "2"])?.reason, ExitReason::Exited(0x5A));
    drop(file);
    files::remove("coherent")?;
    Ok(())
}

fn a_mapping_to_read_cannot_be_written_to() -> Verdict {
    let file = made("read-only", 1)?;
    let mapped = MappedFile::new(&file, 0, PAGE, READ)?;
    check_eq!(call::time(address(mapped.as_ptr())), Err(Error::BadAddress));
    read(&mapped, 0);
    check_eq!(call::time(address(mapped.as_ptr())), Err(Error::BadAddress));
    drop(mapped);
    for touches in ["", "touched"] {
        let ExitReason::Fault { kind, access, .. } = run(ASSIST, &["map-write-to-read", "read-only", touches])?.reason
        else {
            return Err("nobody minded".into());
        };
        check_eq!((kind, access), (FaultKind::Forbidden, Access::Write));
    }
    drop(file);
    files::remove("read-only")?;
    Ok(())
}

fn behind_the_end_are_zeros_that_never_get_into_the_file() -> Verdict {
    let mut file = File::create("tail")?;
    file.write_all(&[9; 5000])?;
    let mapped = MappedFile::new(&file, 0, 4 * PAGE, WRITE)?;
    check!((5000..4 * PAGE).all(|at| read(&mapped, at) == 0));
    for at in [5000, 8191, 8192, 4 * PAGE - 1] {
        write(&mapped, at, 0xEE);
    }
    check_eq!((file.len()?, byte_at(&mut file, 5000)?), (5000, 0));
    file.sync()?;
    let whole = MappedFile::new(&file, 0, 4 * PAGE, READ)?;
    check_eq!(read(&whole, 3 * PAGE), 0);
    drop(whole);
    // What lies between the old end and what is written now was never written by anybody.
    file.seek(3 * PAGE_SIZE)?;
    file.write_all(&[7])?;
    check_eq!(file.len()?, 3 * PAGE_SIZE + 1);
    let mut found = vec![1; 3 * PAGE + 1];
    file.seek(0)?;
    check_eq!(file.read(&mut found)?, 3 * PAGE + 1);
    check!(found[..5000].iter().all(|&byte| byte == 9));
    check!(found[5000..3 * PAGE].iter().all(|&byte| byte == 0));
    check_eq!(found[3 * PAGE], 7);
    check_eq!(read(&mapped, 5000), 0, "its page is the file's, which is longer now");
    drop(mapped);
    drop(file);
    files::remove("tail")?;
    Ok(())
}

fn a_mapping_outlives_close_and_remove() -> Verdict {
    let file = made("outlived", 30)?;
    let [first, second] = [MappedFile::new(&file, 0, 30 * PAGE, WRITE)?, MappedFile::new(&file, 0, 30 * PAGE, READ)?];
    drop(file);
    files::remove("outlived")?;
    // What else is written now must not get into its blocks.
    drop(made("outlived", 60)?);
    for page in 0..30 {
        check_eq!(read(&second, page * PAGE + 70), value(page, 70), "page {page}");
        write(&first, page * PAGE + 70, 0xA5);
        check_eq!(read(&second, page * PAGE + 70), 0xA5, "page {page}");
    }
    first.unmap()?;
    check_eq!((read(&second, 70), read(&second, 71)), (0xA5, value(0, 71)));
    second.unmap()?;
    let mut file = File::open("outlived")?;
    check_eq!(byte_at(&mut file, 59 * PAGE_SIZE + 70)?, value(59, 70));
    drop(file);
    files::remove("outlived")?;
    Ok(())
}

fn a_mapping_may_be_what_a_call_reads_from_or_writes_to() -> Verdict {
    let mut file = made("both", 8)?;
    let mapped = MappedFile::new(&file, 0, 8 * PAGE, WRITE)?;
    let at = address(mapped.as_ptr());
    // Pages 0..4 over pages 4..8, through the file's own mapping.
    file.seek(4 * PAGE_SIZE)?;
    check_eq!(call::write(file.handle(), at, 4 * PAGE_SIZE)?, 4 * PAGE_SIZE);
    check!((0..4 * PAGE).step_by(61).all(|index| read(&mapped, 4 * PAGE + index) == value(index / PAGE, index % PAGE)));
    // One byte further, over itself.
    file.seek(0)?;
    check_eq!(call::read(file.handle(), at + PAGE_SIZE, PAGE_SIZE)?, PAGE_SIZE);
    check!((0..PAGE).all(|index| read(&mapped, PAGE + index) == value(0, index)));
    check_eq!(call::open(at, 0), Err(Error::BadName));
    drop((mapped, file));
    files::remove("both")?;
    Ok(())
}
