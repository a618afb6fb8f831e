//! Control registers, the TLB, and what this CPU can do.

use core::arch::asm;
use core::sync::atomic::{AtomicBool, Ordering};

use kcore::addr::{PAGE_SIZE, Page, PhysAddr, VirtAddr};
use x86::controlregs::{Cr4, cr0, cr2, cr3, cr4, cr4_write};

static HAS_GLOBAL_PAGES: AtomicBool = AtomicBool::new(false);
static HAS_SMAP: AtomicBool = AtomicBool::new(false);

/// Leaf 1 and leaf 7 of CPUID, as far as the kernel uses them (Intel SDM 2A, "CPUID").
struct Features {
    global_pages: bool,
    smep: bool,
    smap: bool,
    fast_calls: bool,
}

impl Features {
    fn detect() -> Self {
        if !has_cpuid() {
            return Self { global_pages: false, smep: false, smap: false, fast_calls: false };
        }
        let highest = core::arch::x86::__cpuid(0).eax;
        let leaf1 = core::arch::x86::__cpuid(1);
        let leaf7 = if highest >= 7 { core::arch::x86::__cpuid_count(7, 0).ebx } else { 0 };
        Self {
            global_pages: leaf1.edx & 1 << 13 != 0,
            smep: leaf7 & 1 << 7 != 0,
            smap: leaf7 & 1 << 20 != 0,
            fast_calls: abi::cpu::has_fast_calls(leaf1.eax, leaf1.edx),
        }
    }
}

/// A CPU that knows CPUID lets software change bit 21 of EFLAGS.
fn has_cpuid() -> bool {
    let changed: u32;
    // SAFETY: EFLAGS is put back as it was; the bit has no other meaning.
    unsafe {
        asm!(
            "pushfd", "pop {old}", "mov {new}, {old}", "xor {new}, 0x200000",
            "push {new}", "popfd", "pushfd", "pop {new}", "push {old}", "popfd",
            "xor {new}, {old}",
            old = out(reg) _, new = out(reg) changed,
        );
    }
    changed & 0x20_0000 != 0
}

/// The CPU has `sysenter`.
pub fn has_fast_calls() -> bool {
    Features::detect().fast_calls
}

/// Turns on what the CPU has to guard itself: ring 0 neither executes user pages (SMEP) nor touches them by accident (SMAP).
/// Write protection (`CR0.WP`) is on since `boot.s`.
pub fn enable_guards() {
    let features = Features::detect();
    let mut wanted = Cr4::empty();
    wanted.set(Cr4::CR4_ENABLE_GLOBAL_PAGES, features.global_pages);
    wanted.set(Cr4::CR4_ENABLE_SMEP, features.smep);
    wanted.set(Cr4::CR4_ENABLE_SMAP, features.smap);
    HAS_GLOBAL_PAGES.store(features.global_pages, Ordering::Relaxed);
    HAS_SMAP.store(features.smap, Ordering::Relaxed);
    if !wanted.is_empty() {
        // SAFETY: CPUID reports each bit that is set here. Kernel code lies in no user page, and user pages are touched
        // only by `usercopy`, which lifts SMAP for that.
        unsafe { cr4_write(cr4() | wanted) };
    }
}

/// Kernel pages may be marked global.
pub fn has_global_pages() -> bool {
    HAS_GLOBAL_PAGES.load(Ordering::Relaxed)
}

/// Supervisor-mode access prevention is on.
#[inline]
pub fn has_smap() -> bool {
    HAS_SMAP.load(Ordering::Relaxed)
}

/// Drops one page's cached translation, global or not (Intel SDM 2A, "INVLPG"; 486 and later).
#[inline]
pub fn flush_page(page: Page) {
    // SAFETY: INVLPG changes no memory and no mapping, it only makes the CPU walk the tables again; the kernel runs in
    // ring 0, where the instruction is allowed.
    unsafe { asm!("invlpg [{}]", in(reg) page.start().raw(), options(nostack, preserves_flags)) }
}

/// Makes `directory` the active directory; all cached translations but global ones are dropped.
///
/// # Safety
/// `directory` must be a directory that maps the kernel's code, data and current stack where they are now.
#[inline]
pub unsafe fn load_directory(directory: PhysAddr) {
    // SAFETY: the caller's promise.
    unsafe { asm!("mov cr3, {}", in(reg) directory.raw(), options(nostack, preserves_flags)) }
}

/// The address that the last page fault was about. The next fault overwrites it.
#[inline]
pub fn fault_address() -> VirtAddr {
    // SAFETY: reading CR2 has no effect; ring 0.
    VirtAddr::new(low_word(unsafe { cr2() }))
}

/// CR0, CR3 and CR4, for reports.
pub fn registers() -> [u32; 3] {
    // SAFETY: reading control registers has no effect; ring 0. CR4 is there on every CPU QEMU offers but the 486's earliest.
    unsafe { [low_word(cr0().bits()), u32::try_from(cr3()).unwrap_or(0), low_word(cr4().bits())] }
}

fn low_word(register: usize) -> u32 {
    u32::try_from(register).unwrap_or(0)
}

/// Fills a page with a word.
#[inline]
pub fn fill_words(page: &mut [u8; PAGE_SIZE as usize], word: u32) {
    // SAFETY: `rep stosd` writes 1024 words from the start of the exclusive borrow; the direction flag is clear in Rust code.
    unsafe {
        asm!("rep stosd", inout("ecx") PAGE_SIZE / 4 => _, inout("edi") page.as_mut_ptr() => _, in("eax") word,
             options(nostack, preserves_flags));
    }
}
