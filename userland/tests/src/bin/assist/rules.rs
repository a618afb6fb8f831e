//! The rules that can be broken, each by one known instruction.

use core::arch::naked_asm;

/// A rule, and how it is broken.
pub struct Rule {
    /// What it is called.
    pub name: &'static str,
    /// Leads to `instruction`; the argument is the address to use, where there is one.
    begin: unsafe extern "C" fn(u32),
    /// The instruction that breaks the rule.
    instruction: unsafe extern "C" fn(u32),
}

impl Rule {
    /// The address of the instruction that breaks the rule.
    pub fn instruction(&self) -> u32 {
        address(self.instruction)
    }

    /// Breaks the rule. Returns only if nobody minded.
    pub fn break_it(&self, at: Option<&str>) -> u32 {
        let at = at.map_or(Some(self.instruction()), number).unwrap_or(0);
        // SAFETY: none is claimed: the program is ended for what happens here, and keeps nothing that could be harmed.
        unsafe { (self.begin)(at) };
        0
    }
}

/// The rule of this name.
pub fn find(name: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.name == name)
}

/// A number in hexadecimal or decimal.
pub fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

fn address(function: unsafe extern "C" fn(u32)) -> u32 {
    u32::try_from((function as *const ()).expose_provenance()).unwrap_or(0)
}

/// Rules that one instruction breaks by itself, and rules that need some steps before it.
macro_rules! rules {
    ($($name:literal $function:ident $(after $steps:ident: $step:literal)* => $($line:literal),+;)*) => {
        $(
            #[unsafe(naked)]
            unsafe extern "C" fn $function(_: u32) {
                naked_asm!($($line,)+ "ret")
            }
            $(
                #[unsafe(naked)]
                unsafe extern "C" fn $steps(_: u32) {
                    naked_asm!($step, "jmp {0}", sym $function)
                }
            )*
        )*
        /// Every rule.
        pub static RULES: &[Rule] = &[$(rules!(@rule $name $function $($steps)*)),*];
    };
    (@rule $name:literal $function:ident) => { Rule { name: $name, begin: $function, instruction: $function } };
    (@rule $name:literal $function:ident $steps:ident) => { Rule { name: $name, begin: $steps, instruction: $function } };
}

rules! {
    "read" read after read_begin: "mov ecx, [esp + 4]" => "mov eax, [ecx]";
    "write" write after write_begin: "mov ecx, [esp + 4]" => "mov [ecx], eax";
    "jump" jump after jump_begin: "mov ecx, [esp + 4]" => "jmp ecx";
    "fast-call" fast_call after fast_call_begin: "mov edx, [esp + 4]; mov ecx, esp; mov eax, 8" => "sysenter";
    "overflow-stack" overflow_stack => "2: call 2b";
    "cli" cli => "cli";
    "hlt" hlt => "hlt";
    "in" port_in => "in al, 0x60";
    "out" port_out => "out 0x80, al";
    "iopl" iopl after iopl_begin: "pushfd; or dword ptr [esp], 0x3000; popfd" => "in al, 0x60";
    "load-cr3" load_cr3 => "mov cr3, eax";
    "read-cr0" read_cr0 => "mov eax, cr0";
    "lgdt" lgdt => "lgdt [esp]";
    "invlpg" invlpg => "invlpg [esp]";
    "int-page-fault" int_page_fault => "int 14";
    "int-timer" int_timer => "int 32";
    "bad-segment" bad_segment after bad_segment_begin: "mov eax, 0x1234" => "mov ds, eax";
    "kernel-segment" kernel_segment after kernel_segment_begin: "mov eax, 0x10" => "mov ss, eax";
    "far-call" far_call after far_call_begin: "push 0x08; push 0xC0100000" => "call fword ptr [esp]";
    "far-return" far_return after far_return_begin: "push 0x08; push 0xC0100000" => "retf";
    "sysexit" sysexit => "sysexit";
    // The frame of an `iretd` to virtual-8086 mode: GS FS DS ES SS ESP, then EFLAGS, CS and EIP. A CPU that ignores the flag takes the
    // last three, and goes on with the instruction after the `iretd` if the address names a code segment of ring 3.
    "virtual-8086" virtual_8086 after virtual_8086_begin: "mov ecx, [esp + 4]; push 0; push 0; push 0; push 0; push 0; push 0
        pushfd; or dword ptr [esp], 0x20000; push ecx; lea eax, [{0} + 1]; push eax" => "iretd", "add esp, 24";
    "iret-to-kernel" iret_to_kernel after iret_to_kernel_begin: "pushfd; push 0x08; push 0xC0100000" => "iretd";
    "iret-iopl" iret_iopl after iret_iopl_begin: "pushfd; or dword ptr [esp], 0x3000; mov eax, cs; push eax
        lea eax, [{0}]; push eax; iretd" => "in al, 0x60";
    // With NT set, `iretd` wants to go back to the task that the task-state segment names.
    "nested-task" nested_task after nested_task_begin: "pushfd; or dword ptr [esp], 0x4000; popfd" => "iretd";
    "single-step" single_step after single_step_begin: "pushfd; or dword ptr [esp], 0x100; popfd" => "nop";
    "ud2" ud2 => "ud2";
    "divide" divide after divide_begin: "xor ecx, ecx" => "div ecx";
    "divide-overflow" divide_overflow after divide_overflow_begin: "mov eax, 0x80000000; cdq; mov ecx, -1" => "idiv ecx";
    "int3" breakpoint => "int3";
    "into" overflow after overflow_begin: "mov al, 127; inc al" => ".byte 0xCE"; // into: not in LLVM's Intel syntax
    "bound" bound after bound_begin: "push 2; push 1; mov eax, 3" => "bound eax, [esp]";
    "x87-divide" x87_divide after x87_begin: "push 0x0300; fldcw [esp]; fld1; fldz; fdivp st(1), st" => "fwait";
    // The same, but other programs use the x87 before the exception is raised: Sleep(50).
    "x87-divide-later" x87_divide_later after x87_later_begin: "push 0x0300; fldcw [esp]; fld1; fldz; fdivp st(1), st
        push ebx; mov ebx, 50; mov eax, 7; int 0x80; pop ebx" => "fwait";
}
