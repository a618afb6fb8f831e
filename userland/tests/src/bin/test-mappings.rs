//! Files mapped into memory.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use libsys::abi::layout::{FILE_START, HEAP_START, MAPPINGS_MAX, STACK_END, STACK_LIMIT};
use libsys::abi::process::ProcessState;
use libsys::abi::{Access, FaultKind};
use libsys::files::{self, File, MapAccess, Mapping};
use libsys::memory::{PAGE_SIZE, Region, mapping};
use libsys::process::{self, Child};
use libsys::test::Verdict;
use libsys::time::Instant;
use libsys::{Errno, ExitReason, call, check, check_eq, system};
use tests::{ASSIST, run, wait_until};

libsys::tests! {
    text_has_one_frame_for_all_who_run_it,
    one_page_of_a_file_has_one_frame_however_often_it_is_mapped,
    any_page_is_mapped_at_any_length,
    what_is_written_by_calls_is_seen_through_mappings_and_the_other_way_round,
    a_mapping_to_read_cannot_be_written_to,
    a_mapping_is_gone_when_it_ends,
    an_address_is_granted_anywhere_in_free_user_space,
    what_is_there_is_never_replaced,
    odd_ranges_are_refused,
    behind_the_end_are_zeros_that_never_get_into_the_file,
    a_mapping_outlives_close_and_remove,
    data_of_programs_is_copied_and_never_written_back,
    changes_are_on_the_disk_after_unmap_exit_and_sync,
    clean_pages_are_never_written,
    sync_ends_while_others_write_on,
    several_processes_write_the_same_pages,
    a_kill_in_the_middle_harms_nobody,
    whoever_maps_a_file_very_often_does_not_stop_the_machine,
    a_mapping_may_be_what_a_call_reads_from_or_writes_to,
}

const PAGE: usize = PAGE_SIZE as usize;
const READ: MapAccess = MapAccess::Read;
const WRITE: MapAccess = MapAccess::ReadAndWrite;

/// A file of so many pages; byte `i` of page `n` is `value(n, i)`.
fn made(name: &str, pages: usize) -> Result<File, Errno> {
    let mut file = File::create(name)?;
    for page in 0..pages {
        let bytes: Vec<u8> = (0..PAGE).map(|index| value(page, index)).collect();
        file.write_all(&bytes)?;
    }
    Ok(file)
}

const fn value(page: usize, index: usize) -> u8 {
    (page.wrapping_mul(131) ^ index.wrapping_mul(7) ^ index >> 8).to_le_bytes()[0]
}

fn read(mapping: &Mapping, at: usize) -> u8 {
    assert!(at < mapping.len_bytes().next_multiple_of(PAGE));
    // SAFETY: the byte lies in the mapping's pages.
    unsafe { mapping.as_ptr().add(at).read_volatile() }
}

fn write(mapping: &Mapping, at: usize, byte: u8) {
    assert!(at < mapping.len_bytes().next_multiple_of(PAGE));
    // SAFETY: the byte lies in the mapping's pages, which may be written to.
    unsafe { mapping.as_ptr().add(at).write_volatile(byte) }
}

fn address(of: *const u8) -> u32 {
    u32::try_from(of.expose_provenance()).unwrap_or(0)
}

fn byte_at(file: &mut File, at: u32) -> Result<u8, Errno> {
    let mut byte = [0];
    file.seek(at)?;
    file.read(&mut byte)?;
    Ok(byte[0])
}

/// Ends of processes that `assist` should come to.
fn succeeds(arguments: &[&str]) -> Verdict {
    check_eq!(run(ASSIST, arguments)?.reason, ExitReason::Exited(0));
    Ok(())
}

fn text_has_one_frame_for_all_who_run_it() -> Verdict {
    // Three at once tell the same frame; it is theirs only while it is in memory, so somebody has to be lucky on a small machine.
    let mut told = Vec::new();
    for _ in 0..20 {
        let others = [Child::spawn(ASSIST, ["sleep", "200"])?, Child::spawn(ASSIST, ["sleep", "200"])?];
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
    let all = [Mapping::new(&file, 0, 3 * PAGE, READ)?, Mapping::new(&file, 0, 3 * PAGE, WRITE)?];
    let second = Mapping::new(&file, PAGE_SIZE, PAGE, WRITE)?;
    for round in 0..100 {
        write(&second, 5, round);
        let places = [all[0].as_ptr().wrapping_add(PAGE), all[1].as_ptr().wrapping_add(PAGE), second.as_ptr()];
        check_eq!([read(&all[0], PAGE + 5), read(&all[1], PAGE + 5), read(&second, 5)], [round; 3]);
        let frames = places.map(|place| mapping(place).ok().and_then(|mapping| mapping.physical_page()));
        // On a small machine one may have been borrowed since it was touched.
        if frames.iter().all(Option::is_some) {
            check!(frames == [frames[0]; 3], "{frames:?}");
            break;
        }
        check!(round < 99, "{frames:?}");
    }
    check_eq!(mapping(second.as_ptr())?.disk_page(), None, "it is in its file, and in no slot");
    drop(file);
    files::remove("often")?;
    Ok(())
}

fn any_page_is_mapped_at_any_length() -> Verdict {
    const PAGES: usize = 40;
    let file = made("any", PAGES)?;
    for (first, len) in [(0, 1), (0, PAGE), (1, PAGE + 1), (39, 10), (17, 23 * PAGE), (5, 4095), (0, PAGES * PAGE)] {
        let mapped = Mapping::new(&file, u32::try_from(first)? * PAGE_SIZE, len, READ)?;
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
    let [reader, writer] = [Mapping::new(&file, 0, 4 * PAGE, READ)?, Mapping::new(&file, 0, 4 * PAGE, WRITE)?];
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
    let mapped = Mapping::new(&file, 0, PAGE, READ)?;
    check_eq!(call::time(address(mapped.as_ptr())), Err(Errno::BadAddress));
    read(&mapped, 0);
    check_eq!(call::time(address(mapped.as_ptr())), Err(Errno::BadAddress));
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

fn a_mapping_is_gone_when_it_ends() -> Verdict {
    let file = made("gone", 2)?;
    let mapped = Mapping::new(&file, 0, 2 * PAGE, WRITE)?;
    read(&mapped, 0);
    let at = address(mapped.as_ptr());
    check_eq!(call::free_memory(at), Err(Errno::BadAddress));
    check_eq!(call::unmap_file(at + PAGE_SIZE), Err(Errno::BadAddress));
    check_eq!(call::unmap_file(at + 1), Err(Errno::BadAddress));
    mapped.unmap()?;
    check_eq!(call::unmap_file(at), Err(Errno::BadAddress));
    check_eq!(mapping(core::ptr::without_provenance(at as usize)), Err(Errno::BadAddress));
    check_eq!(call::time(at), Err(Errno::BadAddress));
    let heap = Region::allocate(PAGE)?;
    check_eq!(call::unmap_file(address(heap.as_ptr())), Err(Errno::BadAddress));
    drop(file);
    files::remove("gone")?;
    Ok(())
}

fn an_address_is_granted_anywhere_in_free_user_space() -> Verdict {
    let file = made("anywhere", 3)?;
    let last = STACK_LIMIT - 4 * PAGE_SIZE;
    for at in
        [0x2000_0000, HEAP_START - 3 * PAGE_SIZE, 0x7000_0000, FILE_START - PAGE_SIZE, FILE_START, 0xA000_0000, last]
    {
        let mapped = Mapping::at(at, &file, 0, 3 * PAGE, WRITE).map_err(|error| format!("{at:#x}: {error}"))?;
        check_eq!(address(mapped.as_ptr()), at);
        for page in 0..3 {
            check_eq!(read(&mapped, page * PAGE + 9), value(page, 9), "page {page} at {at:#x}");
        }
        // The heap keeps off.
        let heap = Region::allocate(16 << 20)?;
        check!(address(heap.as_ptr()) + (16 << 20) <= at || address(heap.as_ptr()) >= at + 3 * PAGE_SIZE);
        check_eq!(call::free_memory(at), Err(Errno::BadAddress));
    }
    drop(file);
    files::remove("anywhere")?;
    Ok(())
}

fn what_is_there_is_never_replaced() -> Verdict {
    static mut DATA: u32 = 77;
    let file = made("over", 3)?;
    let local = 5u32;
    let heap = {
        let mut region = Region::allocate(3 * PAGE)?;
        region.words().fill(6);
        region
    };
    let other = Mapping::new(&file, 0, 3 * PAGE, READ)?;
    let text = address(what_is_there_is_never_replaced as *const u8);
    let page_of = |at: u32| at & !(PAGE_SIZE - 1);
    for (what, at) in [
        ("text", page_of(text)),
        ("the page before text", page_of(text) - PAGE_SIZE),
        ("data", page_of(address((&raw const DATA).cast()))),
        ("stack", page_of(address((&raw const local).cast()))),
        ("stack to be", STACK_LIMIT),
        ("heap", page_of(address(heap.as_ptr()))),
        ("the heap's last page", page_of(address(heap.as_ptr())) + 2 * PAGE_SIZE),
        ("a mapping", address(other.as_ptr())),
        ("a mapping's last page", address(other.as_ptr()) + 2 * PAGE_SIZE),
        ("the two pages before a mapping", address(other.as_ptr()) - 2 * PAGE_SIZE),
    ] {
        let refused = Mapping::at(at, &file, 0, 3 * PAGE, WRITE).err();
        check!(matches!(refused, Some(Errno::Overlaps | Errno::BadAddress)), "{what}: {refused:?}");
    }
    // SAFETY: nobody else uses it; read anew, since it may not have been replaced.
    check_eq!(unsafe { (&raw const DATA).read_volatile() }, 77);
    let mut heap = heap;
    check!(heap.words().iter().all(|&word| word == 6) && core::hint::black_box(local) == 5);
    check_eq!(read(&other, 2 * PAGE + 1), value(2, 1));
    drop((other, file));
    files::remove("over")?;
    Ok(())
}

fn odd_ranges_are_refused() -> Verdict {
    let file = made("odd", 2)?;
    let (handle, any) = (file.handle(), u32::MAX);
    let before = system::info()?.pages_promised;
    for (offset, len, access, at, error) in [
        (0, 0, 1, any, Errno::InvalidArgument),
        (1, 4096, 1, any, Errno::InvalidArgument),
        (4095, 4096, 1, any, Errno::InvalidArgument),
        (0, 4096, 0, any, Errno::InvalidArgument),
        (0, 4096, 2, any, Errno::InvalidArgument),
        (0, 4096, 4, any, Errno::InvalidArgument),
        (0, 4096, 1, 0x9000_0001, Errno::InvalidArgument),
        (0, 4096, 1, 0x9000_0800, Errno::InvalidArgument),
        (0, 4096, 1, 0, Errno::BadAddress),
        (0, 4096, 1, 0x1000, Errno::BadAddress),
        (0, 4096, 1, STACK_LIMIT - PAGE_SIZE, Errno::BadAddress),
        (0, 4096, 1, 0xC000_0000, Errno::BadAddress),
        (0, 4096, 1, 0xFFFF_F000, Errno::BadAddress),
        (0, u32::MAX, 1, 0x9000_0000, Errno::BadAddress),
        (0, u32::MAX, 1, any, Errno::OutOfAddressSpace),
        (0, 0xBFFF_F000, 1, any, Errno::OutOfAddressSpace),
        // Behind the end of the file pages are promised, and so many the machine does not have.
        (0xFFFF_F000, 0x3000_0000, 3, any, Errno::OutOfMemory),
    ] {
        check_eq!(call::map_file(handle, offset, len, access, at), Err(error), "{offset:#x} {len:#x} {access} {at:#x}");
    }
    check_eq!(system::info()?.pages_promised, before);
    check!(STACK_END > STACK_LIMIT);
    drop(file);
    files::remove("odd")?;
    Ok(())
}

fn behind_the_end_are_zeros_that_never_get_into_the_file() -> Verdict {
    let mut file = File::create("tail")?;
    file.write_all(&[9; 5000])?;
    let mapped = Mapping::new(&file, 0, 4 * PAGE, WRITE)?;
    check!((5000..4 * PAGE).all(|at| read(&mapped, at) == 0));
    for at in [5000, 8191, 8192, 4 * PAGE - 1] {
        write(&mapped, at, 0xEE);
    }
    check_eq!((file.len()?, byte_at(&mut file, 5000)?), (5000, 0));
    file.sync()?;
    let whole = Mapping::new(&file, 0, 4 * PAGE, READ)?;
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
    let [first, second] = [Mapping::new(&file, 0, 30 * PAGE, WRITE)?, Mapping::new(&file, 0, 30 * PAGE, READ)?];
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

fn data_of_programs_is_copied_and_never_written_back() -> Verdict {
    static mut CHANGED: [u32; 64] = [0x1234_5678; 64];
    let program = || -> Result<Vec<u8>, Errno> {
        let mut file = File::open("test-mappings")?;
        let mut all = vec![0; file.len()? as usize];
        file.read(&mut all)?;
        Ok(all)
    };
    let before = program()?;
    let words = &raw mut CHANGED;
    // SAFETY: nobody else uses them.
    unsafe { words.write_volatile([process::pid(); 64]) };
    // On a small machine they are borrowed for this.
    Region::allocate(200 * PAGE)?.words().fill(1);
    File::open("test-mappings")?.sync()?;
    check!(program()? == before);
    // SAFETY: as above.
    check_eq!(unsafe { words.read_volatile() }, [process::pid(); 64]);
    Ok(())
}

fn changes_are_on_the_disk_after_unmap_exit_and_sync() -> Verdict {
    const PAGES: usize = 6;
    let writes = || system::info().map(|info| info.account.file_writes);
    let mut file = made("written", PAGES)?;
    file.sync()?;
    let before = writes()?;
    let mapped = Mapping::new(&file, 0, PAGES * PAGE, WRITE)?;
    (0..PAGES).for_each(|page| write(&mapped, page * PAGE, 1));
    file.sync()?;
    check!(writes()? >= before + 6, "sync");
    let before = writes()?;
    (0..PAGES).for_each(|page| write(&mapped, page * PAGE, 2));
    mapped.unmap()?;
    check!(writes()? >= before + 6, "unmap");
    for way in ["return", "exit", "fault"] {
        let before = writes()?;
        run(ASSIST, &["map-fill", "written", "6", "33", way])?;
        check!(writes()? >= before + 6, "{way}");
        let mut found = vec![0u8; PAGES * PAGE];
        let mut expected = vec![0u32; PAGES * PAGE / 4];
        tests::fill(&mut expected, 33);
        file.seek(0)?;
        file.read(&mut found)?;
        check!(found.chunks(4).eq(expected.iter().map(|word| word.to_le_bytes())), "{way}");
        file.seek(0)?;
        file.write_all(&[0; PAGES * PAGE])?;
        file.sync()?;
    }
    drop(file);
    files::remove("written")?;
    Ok(())
}

fn clean_pages_are_never_written() -> Verdict {
    let mut file = made("clean", 50)?;
    file.sync()?;
    let before = system::info()?.account.file_writes;
    let mapped = Mapping::new(&file, 0, 50 * PAGE, WRITE)?;
    let sum: u32 = (0..50 * PAGE).step_by(256).map(|at| u32::from(read(&mapped, at))).sum();
    check!(sum > 0);
    byte_at(&mut file, 100)?;
    // Whatever is borrowed for this is clean.
    Region::allocate(200 * PAGE)?.words().fill(1);
    mapped.unmap()?;
    file.sync()?;
    check_eq!(system::info()?.account.file_writes, before);
    drop(file);
    files::remove("clean")?;
    Ok(())
}

fn sync_ends_while_others_write_on() -> Verdict {
    let file = made("restless", 20)?;
    let mine = Mapping::new(&file, 0, 20 * PAGE, WRITE)?;
    let spinners =
        [Child::spawn(ASSIST, ["map-spin", "restless", "20"])?, Child::spawn(ASSIST, ["map-spin", "restless", "20"])?];
    let first = read(&mine, 0);
    wait_until("they write", || read(&mine, 0) != first)?;
    for _ in 0..5 {
        file.sync()?;
    }
    mine.unmap()?;
    succeeds(&["map-fill", "restless", "20", "1", "return"])?;
    for spinner in spinners {
        tests::finish(spinner)?;
    }
    drop(file);
    files::remove("restless")?;
    Ok(())
}

fn several_processes_write_the_same_pages() -> Verdict {
    // More pages than a small machine has frames.
    let file = made("crowd", 150)?;
    drop(file);
    let children =
        (0..5).map(|_| Child::spawn(ASSIST, ["map-add", "crowd", "150", "6"])).collect::<Result<Vec<_>, _>>()?;
    let pids: Vec<u32> = children.iter().map(Child::pid).collect();
    for child in children {
        check_eq!(child.wait()?.reason, ExitReason::Exited(0));
    }
    let mut file = File::open("crowd")?;
    for page in 0..150 {
        for pid in &pids {
            let mut word = [0; 4];
            file.seek(page * PAGE_SIZE + pid % 1024 * 4)?;
            file.read(&mut word)?;
            check_eq!(u32::from_le_bytes(word), 6, "page {page}, process {pid}");
        }
    }
    drop(file);
    files::remove("crowd")?;
    Ok(())
}

fn a_kill_in_the_middle_harms_nobody() -> Verdict {
    drop(made("victims", 150)?);
    for round in 0..4u64 {
        let lucky = Child::spawn(ASSIST, ["map-add", "victims", "150", "3"])?;
        let unlucky = [
            Child::spawn(ASSIST, ["map-spin", "victims", "150"])?,
            Child::spawn(ASSIST, ["map-add", "victims", "150", "4000000000"])?,
        ];
        process::sleep(Duration::from_millis(20 + 25 * round));
        for child in unlucky {
            tests::finish(child)?;
        }
        let pid = lucky.pid();
        // The spinners change the first byte of each page alone.
        check!(pid % 1024 != 0);
        check_eq!(lucky.wait()?.reason, ExitReason::Exited(0));
        let mut file = File::open("victims")?;
        for page in 0..150 {
            let mut word = [0; 4];
            file.seek(page * PAGE_SIZE + pid % 1024 * 4)?;
            file.read(&mut word)?;
            check_eq!(u32::from_le_bytes(word), 3, "page {page}");
        }
    }
    files::remove("victims")?;
    Ok(())
}

fn whoever_maps_a_file_very_often_does_not_stop_the_machine() -> Verdict {
    drop(made("crowd", 600)?);
    let child = Child::spawn(ASSIST, ["map-crowd", "crowd", "600"])?;
    let (mut last, mut longest) = (Instant::now(), Duration::ZERO);
    while process::info(child.pid())?.state != ProcessState::Ended {
        process::yield_now();
        longest = longest.max(last.elapsed());
        last = Instant::now();
    }
    check_eq!(child.wait()?.reason, ExitReason::Exited(MAPPINGS_MAX));
    check!(longest < Duration::from_millis(800), "nobody else ran for {longest:?}");
    files::remove("crowd")?;
    Ok(())
}

fn a_mapping_may_be_what_a_call_reads_from_or_writes_to() -> Verdict {
    let mut file = made("both", 8)?;
    let mapped = Mapping::new(&file, 0, 8 * PAGE, WRITE)?;
    let at = address(mapped.as_ptr());
    // Pages 0..4 over pages 4..8, through the file's own mapping.
    file.seek(4 * PAGE_SIZE)?;
    check_eq!(call::write(file.handle(), at, 4 * PAGE_SIZE)?, 4 * PAGE_SIZE);
    check!((0..4 * PAGE).step_by(61).all(|index| read(&mapped, 4 * PAGE + index) == value(index / PAGE, index % PAGE)));
    // One byte further, over itself.
    file.seek(0)?;
    check_eq!(call::read(file.handle(), at + PAGE_SIZE, PAGE_SIZE)?, PAGE_SIZE);
    check!((0..PAGE).all(|index| read(&mapped, PAGE + index) == value(0, index)));
    check_eq!(call::open(at, 0), Err(Errno::BadName));
    drop((mapped, file));
    files::remove("both")?;
    Ok(())
}
