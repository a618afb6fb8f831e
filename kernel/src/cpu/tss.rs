//! Task-state segments: one for everything, one for double faults (Intel SDM 3A, "Task Management").

use core::cell::UnsafeCell;

use kcore::addr::{PhysAddr, VirtAddr};
use x86::bits32::task::TaskStateSegment;

use super::{exceptions, gdt};

/// The last byte's offset in a task-state segment.
pub const LIMIT: u32 = 103;

/// Bytes of the stack that double faults are reported on.
const DOUBLE_FAULT_STACK_BYTES: usize = 8192;

/// A task-state segment where the CPU can find it.
#[repr(C, align(128))]
struct TaskCell(UnsafeCell<TaskStateSegment>);

// SAFETY: there is one CPU. Rust code writes a segment with interrupts off, and the CPU reads or writes it only while it
// executes an instruction or delivers a trap.
unsafe impl Sync for TaskCell {}

#[repr(C, align(16))]
struct Stack(UnsafeCell<[u8; DOUBLE_FAULT_STACK_BYTES]>);

// SAFETY: only the double-fault task uses it, which never returns.
unsafe impl Sync for Stack {}

static MAIN: TaskCell = TaskCell(UnsafeCell::new(TaskStateSegment::new()));
static DOUBLE_FAULT: TaskCell = TaskCell(UnsafeCell::new(TaskStateSegment::new()));
static DOUBLE_FAULT_STACK: Stack = Stack(UnsafeCell::new([0; DOUBLE_FAULT_STACK_BYTES]));

fn address<T>(of: *const T) -> u32 {
    u32::try_from(of.expose_provenance()).unwrap_or(0)
}

/// Fills in both segments; returns where they are.
pub fn init() -> (VirtAddr, VirtAddr) {
    // SAFETY: called once at boot, before the CPU knows of either segment.
    unsafe {
        let main = &mut *MAIN.0.get();
        main.ss0 = gdt::KERNEL_DATA;
        // Past the limit: there is no map of ports, so ring 3 may use none.
        main.iobp_offset = 104;
        let double_fault = &mut *DOUBLE_FAULT.0.get();
        double_fault.esp = address(DOUBLE_FAULT_STACK.0.get()) + u32::try_from(DOUBLE_FAULT_STACK_BYTES).unwrap_or(0);
        double_fault.eip = address(exceptions::double_fault as *const ());
        double_fault.eflags = 2;
        double_fault.cs = gdt::KERNEL_CODE;
        double_fault.ss = gdt::KERNEL_DATA;
        double_fault.ds = gdt::USER_DATA;
        double_fault.es = gdt::USER_DATA;
        double_fault.iobp_offset = 104;
    }
    (VirtAddr::new(address(MAIN.0.get())), VirtAddr::new(address(DOUBLE_FAULT.0.get())))
}

/// Sets the stack on which traps from ring 3 begin.
#[inline]
pub fn set_kernel_stack(top: VirtAddr) {
    // SAFETY: interrupts are off, so the CPU does not read the segment now.
    unsafe { (*MAIN.0.get()).esp0 = top.raw() }
}

/// Sets the directory that the double-fault task runs in.
pub fn set_double_fault_directory(directory: PhysAddr) {
    // SAFETY: the CPU reads this segment only when it begins the double-fault task, which a plain write does not make it do.
    unsafe { (*DOUBLE_FAULT.0.get()).cr3 = directory.raw() }
}

/// Where the main task was when the CPU switched away from it: instruction and stack.
pub fn interrupted() -> (VirtAddr, VirtAddr) {
    // SAFETY: only the double-fault task asks (`exceptions::double_fault`). The CPU has written the segment when it switched to that task,
    // which never goes back, so it does not write it again.
    unsafe { (VirtAddr::new((*MAIN.0.get()).eip), VirtAddr::new((*MAIN.0.get()).esp)) }
}
