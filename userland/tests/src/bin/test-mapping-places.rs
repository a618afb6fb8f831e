//! Where files are mapped: anywhere in free user space, never over anything, and no longer than they are to be.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::format;

use libsys::abi::layout::{FILE_END, FILE_START, HEAP_START, STACK_END, STACK_LIMIT};
use libsys::files::{self, MappedFile};
use libsys::memory::{PAGE_SIZE, Region, mapping};
use libsys::test::Verdict;
use libsys::{Error, call, check, check_eq, system};
use tests::PAGE;
use tests::mapped::{READ, WRITE, address, made, read, value};

libsys::tests! {
    an_address_is_granted_anywhere_in_free_user_space,
    what_is_there_is_never_replaced,
    odd_ranges_are_refused,
    a_mapping_is_gone_when_it_ends,
}

fn an_address_is_granted_anywhere_in_free_user_space() -> Verdict {
    let file = made("anywhere", 3)?;
    let last = FILE_END - 3 * PAGE_SIZE;
    for at in
        [0x2000_0000, HEAP_START - 3 * PAGE_SIZE, 0x7000_0000, FILE_START - PAGE_SIZE, FILE_START, 0xA000_0000, last]
    {
        let mapped = MappedFile::at(at, &file, 0, 3 * PAGE, WRITE).map_err(|error| format!("{at:#x}: {error}"))?;
        check_eq!(address(mapped.as_ptr()), at);
        for page in 0..3 {
            check_eq!(read(&mapped, page * PAGE + 9), value(page, 9), "page {page} at {at:#x}");
        }
        // The heap keeps off.
        let heap = Region::allocate(16 << 20)?;
        check!(address(heap.as_ptr()) + (16 << 20) <= at || address(heap.as_ptr()) >= at + 3 * PAGE_SIZE);
        check_eq!(call::free_memory(at), Err(Error::BadAddress));
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
    let other = MappedFile::new(&file, 0, 3 * PAGE, READ)?;
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
        let refused = MappedFile::at(at, &file, 0, 3 * PAGE, WRITE).err();
        check!(matches!(refused, Some(Error::Overlaps | Error::BadAddress)), "{what}: {refused:?}");
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
        (0, 0, 1, any, Error::InvalidArgument),
        (1, 4096, 1, any, Error::InvalidArgument),
        (4095, 4096, 1, any, Error::InvalidArgument),
        (0, 4096, 0, any, Error::InvalidArgument),
        (0, 4096, 2, any, Error::InvalidArgument),
        (0, 4096, 4, any, Error::InvalidArgument),
        (0, 4096, 1, 0x9000_0001, Error::InvalidArgument),
        (0, 4096, 1, 0x9000_0800, Error::InvalidArgument),
        (0, 4096, 1, 0, Error::BadAddress),
        (0, 4096, 1, 0x1000, Error::BadAddress),
        (0, 4096, 1, STACK_LIMIT - PAGE_SIZE, Error::BadAddress),
        (0, 4096, 1, 0xC000_0000, Error::BadAddress),
        (0, 4096, 1, 0xFFFF_F000, Error::BadAddress),
        (0, u32::MAX, 1, 0x9000_0000, Error::BadAddress),
        (0, u32::MAX, 1, any, Error::OutOfAddressSpace),
        (0, 0xBFFF_F000, 1, any, Error::OutOfAddressSpace),
        // Behind the end of the file pages are promised, and so many the machine does not have.
        (0xFFFF_F000, 0x3000_0000, 3, any, Error::OutOfMemory),
    ] {
        check_eq!(call::map_file(handle, offset, len, access, at), Err(error), "{offset:#x} {len:#x} {access} {at:#x}");
    }
    check_eq!(system::info()?.pages_promised, before);
    check!(STACK_END > STACK_LIMIT);
    drop(file);
    files::remove("odd")?;
    Ok(())
}

fn a_mapping_is_gone_when_it_ends() -> Verdict {
    let file = made("gone", 2)?;
    let mapped = MappedFile::new(&file, 0, 2 * PAGE, WRITE)?;
    read(&mapped, 0);
    let at = address(mapped.as_ptr());
    check_eq!(call::free_memory(at), Err(Error::BadAddress));
    check_eq!(call::unmap_file(at + PAGE_SIZE), Err(Error::BadAddress));
    check_eq!(call::unmap_file(at + 1), Err(Error::BadAddress));
    mapped.unmap()?;
    check_eq!(call::unmap_file(at), Err(Error::BadAddress));
    check_eq!(mapping(core::ptr::without_provenance(at as usize)), Err(Error::BadAddress));
    check_eq!(call::time(at), Err(Error::BadAddress));
    let heap = Region::allocate(PAGE)?;
    check_eq!(call::unmap_file(address(heap.as_ptr())), Err(Error::BadAddress));
    drop(file);
    files::remove("gone")?;
    Ok(())
}
