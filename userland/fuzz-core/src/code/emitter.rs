//! Writes instructions, and draws the numbers in them.

use alloc::vec::Vec;

use abi::layout::{CODE_START, KERNEL_START, STACK_END, STACK_LIMIT, USER_END};

use super::{AREA_BYTES, Places, STACK_BYTES};
use crate::Random;

/// Instructions so far, and what the next ones are drawn from.
pub struct Emitter<'a> {
    /// All choices.
    pub random: &'a mut Random,
    /// Addresses that mean something.
    pub places: &'a Places,
    bytes: Vec<u8>,
}

/// Flags that each exist (Intel SDM 1, "EFLAGS Register"): CF, PF, AF, ZF, SF, TF, IF, DF, OF, IOPL, NT, RF, VM, AC, VIF, VIP, ID.
const FLAGS: [u32; 17] = [
    1 << 0,
    1 << 2,
    1 << 4,
    1 << 6,
    1 << 7,
    1 << 8,
    1 << 9,
    1 << 10,
    1 << 11,
    3 << 12,
    1 << 14,
    1 << 16,
    1 << 17,
    1 << 18,
    1 << 19,
    1 << 20,
    1 << 21,
];
/// The flag that is always set.
const ALWAYS_SET: u32 = 1 << 1;

impl<'a> Emitter<'a> {
    /// The number of `eax`.
    pub const EAX: u8 = 0;
    /// The number of `esp`.
    pub const ESP: u8 = 4;

    /// Nothing is written yet.
    pub const fn new(random: &'a mut Random, places: &'a Places) -> Self {
        Self { random, places, bytes: Vec::new() }
    }

    /// All that was written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Writes a byte.
    pub fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// Writes bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Writes 16 bits.
    pub fn half(&mut self, half: u16) {
        self.bytes(&half.to_le_bytes());
    }

    /// Writes 32 bits.
    pub fn word(&mut self, word: u32) {
        self.bytes(&word.to_le_bytes());
    }

    /// `mov register, value`.
    pub fn set_register(&mut self, register: u8, value: u32) {
        self.byte(0xB8 | register);
        self.word(value);
    }

    /// `push value`.
    pub fn push(&mut self, value: u32) {
        self.byte(0x68);
        self.word(value);
    }

    /// Draws the number of a register.
    pub fn register(&mut self) -> u8 {
        self.random.byte() & 7
    }

    /// Draws an address: mostly one in a place, at its edges more than elsewhere.
    pub fn address(&mut self) -> u32 {
        let Places { code, data, stack, hole, text } = *self.places;
        let small = self.random.below(24);
        match self.random.below(14) {
            0 => code + self.random.below(AREA_BYTES),
            1..=3 => data + self.random.below(AREA_BYTES),
            4 => data + AREA_BYTES - small,
            5 => data + 4096 - small,
            6 => stack + self.random.below(STACK_BYTES),
            7 => hole + small,
            8 => text + small,
            9 => self.random.one_of(&[0, CODE_START, STACK_LIMIT, STACK_END, USER_END]).wrapping_sub(small),
            10 => KERNEL_START.wrapping_add(small).wrapping_sub(8),
            11 => self.random.one_of(&[0xC010_0000, 0xD000_1000, 0xFF80_0000, 0xFFC0_0000, 0xFFFF_F000]) + small,
            12 => u32::MAX - small,
            _ => self.random.word(),
        }
    }

    /// Draws a segment selector: mostly one that the kernel's tables have.
    pub fn selector(&mut self) -> u32 {
        match self.random.below(4) {
            0 => self.random.below(4),
            1 | 2 => self.random.below(0x48),
            _ => self.random.word() & 0xFFFF,
        }
    }

    /// Draws flags: some of those that exist. Single steps come rarely, since they end a program at its next instruction.
    pub fn flags(&mut self) -> u32 {
        const TRAP: u32 = 1 << 8;
        let mut flags = ALWAYS_SET;
        for _ in 0..self.random.below(5) {
            flags |= self.random.one_of(&FLAGS);
        }
        if self.random.once_in(4) { flags } else { flags & !TRAP }
    }

    /// Draws any number that means something to some instruction.
    pub fn value(&mut self) -> u32 {
        match self.random.below(12) {
            0..=5 => self.address(),
            6 => self.random.below(64),
            7 => self.selector(),
            8 => self.flags(),
            9 => self.random.one_of(&[0x1B, 0x23, 0x0B, 0x13, 0x3F80_0000, 0x7F80_0001, 0x8000_0000, 0x027F, 0x0340]),
            10 => self.random.edge(),
            _ => self.random.word(),
        }
    }

    /// Writes the byte that names a register or memory as the operand, with `register` as the other one or as part of the opcode.
    pub fn operand(&mut self, register: u8) {
        if self.random.once_in(4) { self.register_operand(register) } else { self.memory_operand(register) }
    }

    /// The same for a register.
    pub fn register_operand(&mut self, register: u8) {
        let other = self.register();
        self.byte(0xC0 | register << 3 | other);
    }

    /// The same for memory: at an address, or at one in a register.
    pub fn memory_operand(&mut self, register: u8) {
        let field = register << 3;
        match self.random.below(8) {
            0..=3 => self.absolute_operand(register),
            4 => {
                let base = self.random.one_of(&[0, 1, 2, 3, 6, 7]);
                self.byte(field | base);
            }
            5 => {
                let base = self.random.one_of(&[0, 1, 2, 3, 5, 6, 7]);
                let offset = self.random.byte();
                self.bytes(&[0x40 | field | base, offset]);
            }
            6 => {
                let base = self.random.one_of(&[0, 1, 2, 3, 5, 6, 7]);
                self.byte(0x80 | field | base);
                let offset = self.random.edge();
                self.word(offset);
            }
            _ => {
                let (scaled, offset) = (self.random.byte(), self.random.byte());
                self.bytes(&[0x44 | field, scaled, offset]);
            }
        }
    }

    /// The same for memory at an address that stands in the instruction.
    pub fn absolute_operand(&mut self, register: u8) {
        self.byte(register << 3 | 5);
        let address = self.address();
        self.word(address);
    }
}
