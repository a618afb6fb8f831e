//! Kinds of instructions, each drawn at random.

use abi::Number;

use super::emitter::Emitter;

type Kind = fn(&mut Emitter<'_>);

/// What a program's body is made of. A kind that is listed twice comes twice as often.
const KINDS: [Kind; 24] = [
    any_bytes,
    fixed,
    fixed,
    arithmetic,
    arithmetic,
    memory_or_register,
    memory_or_register,
    system_memory,
    control_register,
    string,
    string,
    interrupt,
    kernel_call,
    kernel_call,
    return_frame,
    return_frame,
    far_transfer,
    segment_load,
    floating_point,
    floating_point,
    branch,
    registers_and_stack,
    prefixed,
    writes_its_own_code,
];

/// Writes one instruction of any kind, or several that belong together.
pub fn any(emitter: &mut Emitter<'_>) {
    let kind = emitter.random.one_of(&KINDS);
    kind(emitter);
}

/// Bytes that may mean anything.
pub fn any_bytes(emitter: &mut Emitter<'_>) {
    for _ in 0..=emitter.random.below(6) {
        let byte = emitter.random.byte();
        emitter.byte(byte);
    }
}

/// Instructions without operands. Most are for ring 0 alone, or end the process in some other way.
const FIXED: [&[u8]; 55] = [
    &[0x0F, 0x05],
    &[0x0F, 0x06],
    &[0x0F, 0x07],
    &[0x0F, 0x08],
    &[0x0F, 0x09],
    &[0x0F, 0x0B],
    &[0x0F, 0x30],
    &[0x0F, 0x31],
    &[0x0F, 0x32],
    &[0x0F, 0x33],
    &[0x0F, 0x34],
    &[0x0F, 0x35],
    &[0x0F, 0x77],
    &[0x0F, 0xA2],
    &[0x0F, 0xAA],
    &[0x0F, 0xA0],
    &[0x0F, 0xA1],
    &[0x0F, 0xA8],
    &[0x0F, 0xA9],
    &[0x06],
    &[0x07],
    &[0x0E],
    &[0x16],
    &[0x17],
    &[0x1E],
    &[0x1F],
    &[0x27],
    &[0x2F],
    &[0x37],
    &[0x3F],
    &[0x60],
    &[0x61],
    &[0x6C],
    &[0x6D],
    &[0x6E],
    &[0x6F],
    &[0x98],
    &[0x99],
    &[0x9B],
    &[0x9C],
    &[0x9D],
    &[0x9E],
    &[0x9F],
    &[0xC9],
    &[0xCC],
    &[0xCE],
    &[0xD6],
    &[0xD7],
    &[0xEC],
    &[0xEF],
    &[0xF1],
    &[0xF4],
    &[0xF5],
    &[0xFA],
    &[0xFB],
];

fn fixed(emitter: &mut Emitter<'_>) {
    let bytes = emitter.random.one_of(&FIXED);
    emitter.bytes(bytes);
    if emitter.random.once_in(8) {
        // `in` and `out` with a port that stands in the instruction, and `aam` and `aad`.
        let opcode = emitter.random.one_of(&[0xE4, 0xE5, 0xE6, 0xE7, 0xD4, 0xD5]);
        let operand = emitter.random.byte();
        emitter.bytes(&[opcode, operand]);
    }
}

/// Additions and the like, divisions, shifts.
fn arithmetic(emitter: &mut Emitter<'_>) {
    let field = emitter.register();
    match emitter.random.below(5) {
        0 | 1 => {
            // The eight operations of two operands, in both directions and both sizes.
            let form = emitter.random.one_of(&[0, 1, 2, 3]);
            emitter.byte(field << 3 | form);
            let register = emitter.register();
            emitter.operand(register);
        }
        2 => {
            emitter.byte(0x81);
            emitter.operand(field);
            let value = emitter.value();
            emitter.word(value);
        }
        3 => {
            // `not`, `neg`, `mul`, `div` and others; the first two forms are a test, whose constant follows.
            emitter.byte(0xF7);
            emitter.operand(field);
            if field < 2 {
                let value = emitter.value();
                emitter.word(value);
            }
        }
        _ => {
            let opcode = emitter.random.one_of(&[0xD0, 0xD1, 0xD2, 0xD3]);
            emitter.byte(opcode);
            emitter.operand(field);
        }
    }
}

/// Opcodes with a byte for the operand and nothing after it.
const WITH_OPERAND: [u8; 21] = [
    0x62, 0x63, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8B, 0x8C, 0x8D, 0x8E, 0x8F, 0xC4, 0xC5, 0xFE, 0xFF, 0xFF,
    0xF6, 0x8E,
];

/// The same after the byte 0Fh.
const WITH_OPERAND_0F: [u8; 40] = [
    0x02, 0x03, 0x0D, 0x10, 0x11, 0x18, 0x28, 0x29, 0x40, 0x4F, 0x6E, 0x6F, 0x7E, 0x7F, 0x90, 0xA3, 0xA5, 0xAB, 0xAD,
    0xAE, 0xAF, 0xB0, 0xB1, 0xB2, 0xB3, 0xB4, 0xB5, 0xB6, 0xBB, 0xBC, 0xBD, 0xBE, 0xC0, 0xC1, 0xC3, 0xC7, 0xD4, 0xE7,
    0xEF, 0xFE,
];

fn memory_or_register(emitter: &mut Emitter<'_>) {
    let field = emitter.register();
    if emitter.random.once_in(2) {
        let opcode = emitter.random.one_of(&WITH_OPERAND);
        emitter.byte(opcode);
    } else {
        let opcode = emitter.random.one_of(&WITH_OPERAND_0F);
        emitter.bytes(&[0x0F, opcode]);
    }
    emitter.operand(field);
}

/// Tables of segments and interrupts, the task register, machine status, and the TLB.
fn system_memory(emitter: &mut Emitter<'_>) {
    let (group, field) = (emitter.random.below(2), emitter.register());
    emitter.bytes(&[0x0F, if group == 0 { 0x00 } else { 0x01 }]);
    emitter.operand(field);
}

/// Moves from and to control, debug and test registers.
fn control_register(emitter: &mut Emitter<'_>) {
    let opcode = emitter.random.one_of(&[0x20, 0x21, 0x22, 0x23, 0x24, 0x26]);
    let register = emitter.random.below(8).to_le_bytes()[0];
    // `eax` half the time.
    let other = if emitter.random.once_in(2) { 0 } else { emitter.register() };
    emitter.bytes(&[0x0F, opcode, 0xC0 | register << 3 | other]);
}

/// Instructions on strings: repeated or not, in either direction, over the edges of places.
fn string(emitter: &mut Emitter<'_>) {
    let (source, destination) = (emitter.address(), emitter.address());
    let count = emitter.random.one_of(&[0, 1, 8, 64, 4096, 0x10_0000]);
    let count = count + emitter.random.below(9);
    for (register, value) in [(6, source), (7, destination), (1, count)] {
        if !emitter.random.once_in(5) {
            emitter.set_register(register, value);
        }
    }
    let direction = emitter.random.one_of(&[0xFC, 0xFC, 0xFD]);
    emitter.byte(direction);
    if emitter.random.once_in(6) {
        let prefix = emitter.random.one_of(&[0x66, 0x67, 0x26, 0x2E, 0x36, 0x64, 0x65]);
        emitter.byte(prefix);
    }
    let repetition = emitter.random.one_of(&[0xF3, 0xF3, 0xF2]);
    let opcode = emitter.random.one_of(&[0xA4, 0xA5, 0xA6, 0xA7, 0xAA, 0xAB, 0xAC, 0xAD, 0xAE, 0xAF, 0x6C, 0x6E]);
    emitter.bytes(&[repetition, opcode]);
}

fn interrupt(emitter: &mut Emitter<'_>) {
    let number = match emitter.random.below(4) {
        0 => 0x80,
        1 => emitter.random.below(0x30).to_le_bytes()[0],
        _ => emitter.random.byte(),
    };
    emitter.bytes(&[0xCD, number]);
}

/// A call of the kernel, by either way, with any arguments.
fn kernel_call(emitter: &mut Emitter<'_>) {
    let count = u32::try_from(Number::ALL.len()).unwrap_or(0);
    let number = match emitter.random.below(8) {
        0 => emitter.value(),
        // The calls that sleep or wait for somebody come seldom: nothing is learnt meanwhile.
        _ => emitter.random.below(count + 2),
    };
    emitter.set_register(Emitter::EAX, number);
    for register in [1, 2, 3, 5, 6, 7] {
        if emitter.random.once_in(2) {
            let value = emitter.value();
            emitter.set_register(register, value);
        }
    }
    if emitter.random.once_in(2) {
        emitter.bytes(&[0xCD, 0x80]);
        return;
    }
    if !emitter.random.once_in(4) {
        // mov ecx, esp; and the address after the call, which the kernel returns to, in edx
        emitter.bytes(&[0x89, 0xE1, 0xE8, 0, 0, 0, 0, 0x5A, 0x83, 0xC2, 0x06]);
    }
    emitter.bytes(&[0x0F, 0x34]);
}

/// Returns by frames that were never made by a call: near, far and from interrupts, with any flags and selectors.
fn return_frame(emitter: &mut Emitter<'_>) {
    if emitter.random.once_in(3) {
        // To ring 0, or to virtual-8086 mode: then more is on the frame.
        for _ in 0..6 {
            let value = emitter.value();
            emitter.push(value);
        }
    }
    let (flags, selector) = (emitter.flags(), emitter.selector());
    let selector = if emitter.random.once_in(2) { 0x1B } else { selector };
    let target =
        if emitter.random.once_in(3) { emitter.value() } else { emitter.places.code + emitter.random.below(8192) };
    let opcode = emitter.random.one_of(&[0xCF, 0xCF, 0xCB, 0xCA, 0xC3, 0xC2, 0x9D]);
    if opcode == 0xCF || opcode == 0x9D {
        emitter.push(flags);
    }
    if opcode != 0x9D {
        emitter.push(selector);
        emitter.push(target);
    }
    if emitter.random.once_in(10) {
        emitter.byte(0x66);
    }
    emitter.byte(opcode);
    if opcode == 0xCA || opcode == 0xC2 {
        let count = emitter.random.below(64).to_le_bytes()[0];
        emitter.half(count.into());
    }
}

/// Jumps and calls to another segment: through gates that the tables may have.
fn far_transfer(emitter: &mut Emitter<'_>) {
    if emitter.random.once_in(3) {
        let field = emitter.random.one_of(&[3, 5]);
        emitter.byte(0xFF);
        return emitter.absolute_operand(field);
    }
    let opcode = emitter.random.one_of(&[0xEA, 0x9A]);
    let (target, selector) = (emitter.value(), emitter.selector());
    emitter.byte(opcode);
    emitter.word(target);
    emitter.half(u16::try_from(selector).unwrap_or(0));
}

/// Loads a segment register, often with a selector that means something.
fn segment_load(emitter: &mut Emitter<'_>) {
    let selector = emitter.selector();
    if emitter.random.once_in(2) {
        let register = emitter.random.one_of(&[0, 2, 3, 3, 4, 5]);
        emitter.set_register(Emitter::EAX, selector);
        return emitter.bytes(&[0x8E, 0xC0 | register << 3]);
    }
    emitter.push(selector);
    let pop: &[u8] = emitter.random.one_of(&[&[0x07][..], &[0x17], &[0x1F], &[0x0F, 0xA1], &[0x0F, 0xA9]]);
    emitter.bytes(pop);
}

/// Floating point: any instruction of it, and above all those that load state or unmask exceptions.
fn floating_point(emitter: &mut Emitter<'_>) {
    match emitter.random.below(6) {
        0 => {
            let group = emitter.random.below(8).to_le_bytes()[0];
            let field = emitter.register();
            emitter.byte(0xD8 | group);
            emitter.register_operand(field);
        }
        1 => {
            let (group, field) = (emitter.random.below(8).to_le_bytes()[0], emitter.register());
            emitter.byte(0xD8 | group);
            emitter.memory_operand(field);
        }
        // fldcw, fldenv, frstor, fnstenv, fnsave
        2 => {
            let (opcode, field) = emitter.random.one_of(&[(0xD9, 5), (0xD9, 4), (0xDD, 4), (0xD9, 6), (0xDD, 6)]);
            emitter.byte(opcode);
            emitter.absolute_operand(field);
        }
        // Unmask all exceptions, then divide by zero; what it leaves pending is another's trouble.
        3 => {
            emitter.push(0x0340);
            emitter.bytes(&[0xD9, 0x2C, 0x24, 0xD9, 0xE8, 0xD9, 0xEE, 0xDE, 0xF9]);
        }
        4 => {
            let single =
                emitter.random.one_of(&[0xE0, 0xE1, 0xE4, 0xE5, 0xEB, 0xEE, 0xF0, 0xF2, 0xF6, 0xFA, 0xFC, 0xFF]);
            emitter.bytes(&[0xD9, single]);
        }
        _ => {
            let other: &[u8] =
                emitter.random.one_of(&[&[0xDB, 0xE3][..], &[0xDB, 0xE2], &[0xDD, 0xC0], &[0x9B], &[0x0F, 0x77]]);
            emitter.bytes(other);
        }
    }
}

/// Jumps within the program, back and on, and calls.
fn branch(emitter: &mut Emitter<'_>) {
    let back = emitter.random.below(48).to_le_bytes()[0].wrapping_neg();
    let on = emitter.random.below(24).to_le_bytes()[0];
    let offset = if emitter.random.once_in(4) { back } else { on };
    match emitter.random.below(5) {
        0 | 1 => {
            let condition = emitter.random.below(16).to_le_bytes()[0];
            emitter.bytes(&[0x70 | condition, offset]);
        }
        2 => {
            let opcode = emitter.random.one_of(&[0xE0, 0xE1, 0xE2, 0xE3, 0xEB]);
            emitter.bytes(&[opcode, offset]);
        }
        3 => {
            emitter.byte(0xE8);
            emitter.word(u32::from(on));
        }
        _ => {
            let register = emitter.register();
            let field = emitter.random.one_of(&[2, 4]);
            emitter.bytes(&[0xFF, 0xC0 | field << 3 | register]);
        }
    }
}

/// Registers get other values, `esp` among them; pushes, pops, and frames of nested functions.
fn registers_and_stack(emitter: &mut Emitter<'_>) {
    let register = emitter.register();
    match emitter.random.below(6) {
        0 | 1 => {
            let value = emitter.value();
            emitter.set_register(register, value);
        }
        2 => emitter.byte(0x50 | register),
        3 => emitter.byte(0x58 | register),
        4 => {
            let value = emitter.value();
            emitter.set_register(Emitter::ESP, value);
        }
        _ => {
            let (size, level) = (emitter.random.edge().to_le_bytes(), emitter.random.byte());
            emitter.bytes(&[0xC8, size[0], size[1], level]);
        }
    }
}

/// Any prefixes, and perhaps more than an instruction may have, before any instruction.
fn prefixed(emitter: &mut Emitter<'_>) {
    let count = if emitter.random.once_in(8) { 20 } else { 1 + emitter.random.below(3) };
    for _ in 0..count {
        let prefix = emitter.random.one_of(&[0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65, 0x66, 0x67, 0xF0, 0xF2, 0xF3]);
        emitter.byte(prefix);
    }
    let kind = emitter.random.one_of(&[fixed as Kind, arithmetic, memory_or_register, interrupt, system_memory]);
    kind(emitter);
}

/// Changes a byte of the program's pages: the next instruction, perhaps.
fn writes_its_own_code(emitter: &mut Emitter<'_>) {
    let place = emitter.places.code + emitter.random.below(8192);
    let byte = emitter.random.byte();
    emitter.bytes(&[0xC6, 0x05]);
    emitter.word(place);
    emitter.byte(byte);
}
