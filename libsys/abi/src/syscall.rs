//! The one table of calls.
//!
//! `int 0x80` with the number in `eax` and arguments in `ebx ecx edx esi edi`; the result comes back in `eax`, all other
//! registers are kept. `sysenter` is a faster way with its own registers; `docs/abi.md` has both. See [`Errno::from_result_word`](crate::Errno::from_result_word) for how the result is read.

/// Hands the table of calls to a macro. Each row is `/// doc` `number => Name as function(argument, ...);`.
///
/// An argument is a word. Where it is an address, `name: *mut Record` or `name: *const u8` says of what: that is how the header for C
/// declares it. The errors that a call may return are named in its text.
///
/// The kernel's decoder, `libsys`'s stubs, `docs/abi.md` and the header for C are all made from it. Numbers are never reused.
#[macro_export]
macro_rules! syscall_table {
    ($macro:path) => {
        $macro! {
            /// Ends the calling process with `code`. Does not return.
            0 => Exit as exit(code);
            /// Writes `len_bytes` bytes at `buffer` to `handle`; a file grows as needed.
            /// Returns how many were written. `BadAddress`, `BadHandle`, `NotSupported` for random bytes, `Busy` for the file of a running program, `DiskFull`,
            /// `OutOfMemory`, `Io`.
            1 => Write as write(handle, buffer: *const u8, len_bytes);
            /// Promises `len_bytes` bytes, rounded up to pages; zero-filled at first touch.
            /// Returns the region's first address. `InvalidArgument` for 0 bytes, `OutOfAddressSpace`, `OutOfMemory`,
            /// `OverLimit`.
            2 => AllocateMemory as allocate_memory(len_bytes);
            /// Frees the region that `AllocateMemory` returned as `start`. `BadAddress` if none starts there.
            3 => FreeMemory as free_memory(start: *mut u8);
            /// Starts the program in file `path` (`path_len` bytes of UTF-8). `arguments` is `arguments_len` bytes: each
            /// argument followed by a zero byte. What becomes its handles 0, 1 and 2 is said by the
            /// [`Streams`](crate::device::Streams) at `streams`, or, if that is 0, the caller's own; parent and child share them.
            /// Returns the child's pid. `BadAddress`, `BadHandle`, `BadName`, `NoSuchFile`,
            /// `NotExecutable`, `NotPermitted` for the swap file, `Busy` for a file that is being written to, `ArgumentsTooLong`,
            /// `OutOfMemory`, `TooManyProcesses`, `Io`.
            4 => CreateProcess as create_process(path: *const u8, path_len, arguments: *const u8, arguments_len, streams: *const Streams);
            /// Waits until the child `pid` (0: any child) has ended and fills in the
            /// [`ExitStatus`](crate::record::ExitStatus) at `status`. Returns the child's pid. `BadAddress`, `NoChild`,
            /// `NoSuchProcess` if `pid` is no child of the caller.
            5 => Wait as wait(pid, status: *mut ExitStatus);
            /// Gives way: the draw for the CPU is made anew, with the caller behind all others of its class. Returns 0.
            6 => Yield as yield_now();
            /// Sleeps for at least `milliseconds`. Returns 0.
            7 => Sleep as sleep(milliseconds);
            /// Returns the caller's pid.
            8 => GetPid as get_pid();
            /// Fills in the [`Mapping`](crate::record::Mapping) at `mapping` for the page that holds `address`.
            /// `BadAddress` if either address is not the caller's.
            9 => GetMapping as get_mapping(address: *const u8, mapping: *mut Mapping);
            /// Fills in the [`SystemInfo`](crate::record::SystemInfo) at `info`. `BadAddress`.
            10 => SystemInfo as system_info(info: *mut SystemInfo);
            /// Reads at most `len_bytes` bytes from `handle` into `buffer`: bytes of a file or random ones; a line of the console,
            /// waiting for its end; of `console keys` what was typed, waiting for the first byte.
            /// Returns how many; 0 at the end. `BadAddress`, `BadHandle`, `TimedOut` if no key was pressed in time, `OutOfMemory`, `Io`.
            11 => Read as read(handle, buffer: *mut u8, len_bytes);
            /// Ends the machine with `status`. Init may, whoever has the right to be real-time, as the shell has, and whom such a one
            /// has started. `NotPermitted`.
            12 => Shutdown as shutdown(status);
            /// Fills in the [`Time`](crate::record::Time) at `time`. `BadAddress`.
            13 => Time as time(time: *mut Time);
            /// Fills in the [`DirectoryEntry`](crate::record::DirectoryEntry) at `entry` for the file at position `index` of
            /// the directory. `EndOfList`, `BadAddress`.
            14 => ReadDirectory as read_directory(index, entry: *mut DirectoryEntry);
            /// Ends the process `pid`, whatever it is doing: the caller, a descendant of the caller, or one of the process that
            /// started the caller and is still there. Init may end everybody, and nobody but itself ends init. Returns 0.
            /// `NoSuchProcess`, `NotPermitted`.
            15 => Kill as kill(pid);
            /// Puts the caller or its child `pid` into a [`Class`](crate::Class), given by its number: a lower one, or any if the
            /// caller is real-time or has the right to be. Whoever is made real-time by another has that right from then on. A
            /// child is born in its parent's class, but not in one to which the parent has only raised itself.
            /// Returns 0. `NoSuchProcess`, `NotPermitted`, `InvalidArgument`.
            16 => SetPriority as set_priority(pid, class);
            /// Fills in the [`ProcessInfo`](crate::process::ProcessInfo) at `info` for the process with the lowest pid that is
            /// not below `pid`. Returns its pid. `EndOfList`, `BadAddress`.
            17 => ProcessInfo as process_info(pid, info: *mut ProcessInfo);
            /// Puts a copy of the `len_bytes` bytes at `bytes` into the queue of process `pid`, with the word `what` and the caller's
            /// pid; if that process waits for a message, it gets the rest of the caller's time slice. Returns 0. `BadAddress`,
            /// `MessageTooLong` if there are more than 1024 bytes, `NoSuchProcess`, `QueueFull`, `TooManyUnread`, `OutOfMemory`.
            18 => SendMessage as send_message(pid, what, bytes: *const u8, len_bytes);
            /// Takes the first message out of the caller's queue, waiting for one for at most `milliseconds` (0: not at all;
            /// 4294967295: for ever). At `buffer`, where 1032 bytes must be the caller's to write, a
            /// [`MessageHeader`](crate::message::MessageHeader) is filled in and the message's bytes behind it. Returns how many
            /// bytes these are. `BadAddress`, `TimedOut`; the message stays in the queue then.
            19 => WaitForMessage as wait_for_message(buffer: *mut MessageHeader, milliseconds);
            /// Returns the pid of the process that runs the program in file `name` (`name_len` bytes of UTF-8); of several, the
            /// lowest. Names are compared as [`ProcessInfo`](crate::process::ProcessInfo) shows them: by their first 32 bytes.
            /// `BadAddress`, `BadName`, `NoSuchProcess`.
            20 => GetPidByName as get_pid_by_name(name: *const u8, name_len);
            /// Opens a device by its name (`path_len` bytes of UTF-8): `random SEED`, `console` for lines, `console keys [MILLISECONDS]`
            /// for single keys, `null`; `file NAME`, or any other name, opens a file at its beginning. Returns a handle. `BadAddress`,
            /// `BadName`, `NoSuchFile`, `NotPermitted` for the swap file, `NotSupported` for the keys of a console that is no terminal,
            /// `TooManyOpen`, `OutOfMemory`.
            21 => Open as open(path: *const u8, path_len);
            /// Closes a handle. What was written stays in memory until it is pushed out or [`Sync`](Number::Sync) is called.
            /// Returns 0. `BadHandle`.
            22 => Close as close(handle);
            /// Makes byte `offset` of a file the next one that is read or written, behind its end too; of random bytes, `offset` are
            /// skipped. Returns 0. `BadHandle`, `NotSupported` for the console.
            23 => Seek as seek(handle, offset);
            /// Fills in the [`FileInfo`](crate::device::FileInfo) at `info` for an open device. `BadHandle`, `BadAddress`.
            24 => Stat as stat(handle, info: *mut FileInfo);
            /// Makes an empty file of this name and opens it. Returns a handle. `BadAddress`, `BadName`, `AlreadyExists`,
            /// `DiskFull`, `TooManyOpen`, `OutOfMemory`, `Io`.
            25 => Create as create(path: *const u8, path_len);
            /// Removes a file's name. Whoever has it open or mapped goes on using it; then it is gone. Returns 0. `BadAddress`,
            /// `BadName`, `NoSuchFile`, `NotPermitted` for the swap file, `Io`.
            26 => Remove as remove(path: *const u8, path_len);
            /// Brings all changes of an open file onto the disk, those made through mappings too. Returns 0. `BadHandle`, `NotSupported` for
            /// other devices, `Io`.
            27 => Sync as sync(handle);
            /// Maps `len_bytes` bytes of an open file, rounded up to pages, from byte `offset` on, which is a multiple of the page size.
            /// `access` is 1 to read, 3 to read and write. `address` is where, or [`ANY_ADDRESS`](crate::layout::ANY_ADDRESS).
            /// What lies behind the end of the file reads as zeros and does not get into it. Returns the first address.
            /// `BadHandle`, `NotSupported` for other devices, `InvalidArgument` for no bytes or anything misaligned, `BadAddress` outside of user space, `Overlaps`,
            /// `Busy` to write to the file of a running program, `OutOfAddressSpace`, `TooManyOpen` if the caller has 256 mappings,
            /// `OutOfMemory`.
            28 => MapFile as map_file(handle, offset, len_bytes, access, address);
            /// Ends the mapping that `MapFile` returned as `start`, and brings what was changed through it onto the disk. Returns 0.
            /// `BadAddress` if none starts there, `Io` if something could not be written.
            29 => UnmapFile as unmap_file(start: *const u8);
            /// Lets the caller, and whoever it starts from then on, be promised at most `pages` pages, page tables included. What it
            /// has it keeps. Returns 0. `NotPermitted` if that is more than it may be promised now.
            30 => SetLimit as set_limit(pages);
            /// Lets frames be borrowed by another replacement policy, by its place in [`POLICY_NAMES`](crate::POLICY_NAMES). Returns 0.
            /// `InvalidArgument`, `OutOfMemory`.
            31 => SetPolicy as set_policy(policy);
            /// Ctrl-C on the console now ends process `pid`, a descendant of the caller, and all that descend from it; with 0, nobody.
            /// The first who asks, the shell, is the only one who may as long as it lives. Returns 0. `NoSuchProcess`, `NotPermitted`.
            32 => SetForeground as set_foreground(pid);
            /// `SendMessage` and `WaitForMessage` in one. At `buffer`, 1032 bytes are the caller's to write: the
            /// [`MessageHeader`](crate::message::MessageHeader) names receiver and `what`, and `len_bytes` bytes behind it are sent. Then as
            /// `WaitForMessage`, into the same buffer: if the receiver waits for a message, it runs in place of the caller until it answers.
            /// `BadAddress`, `MessageTooLong`, `NoSuchProcess`, `QueueFull`, `TooManyUnread`, `OutOfMemory`: nothing was sent. `TimedOut`: it was.
            33 => SendAndWait as send_and_wait(buffer: *mut MessageHeader, len_bytes, milliseconds);
        }
    };
}

macro_rules! define_calls {
    ($($(#[$doc:meta])* $number:literal => $name:ident as $function:ident(
        $($argument:ident $(: *$access:tt $pointee:ty)?),*
    );)*) => {
        /// The number of a call, as in `eax`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u32)]
        pub enum Number { $($(#[$doc])* $name = $number,)* }

        impl Number {
            /// Every call, in order of number.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The name the courses use.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }
        }

        impl TryFrom<u32> for Number {
            type Error = crate::Errno;

            fn try_from(number: u32) -> Result<Self, Self::Error> {
                match number { $($number => Ok(Self::$name),)* _ => Err(crate::Errno::NoSuchCall) }
            }
        }

        /// A call with its arguments, as decoded by the kernel. The fields are untrusted words.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Call { $($(#[$doc])* $name { $(#[allow(missing_docs, reason = "the call's text names them")] $argument: u32,)* },)* }

        impl Call {
            /// Decodes the registers `eax` and `ebx ecx edx esi edi`.
            ///
            /// # Errors
            /// `NoSuchCall` if the table has no such number.
            #[inline]
            pub const fn decode(number: u32, arguments: &[u32; 5]) -> Result<Self, crate::Errno> {
                match number {
                    $($number => {
                        let [$($argument,)* ..] = *arguments;
                        Ok(Self::$name { $($argument),* })
                    })*
                    _ => Err(crate::Errno::NoSuchCall),
                }
            }
        }
    };
}

syscall_table!(define_calls);

#[cfg(test)]
mod tests {
    use super::{Call, Number};
    use crate::Errno;

    #[test]
    fn numbers_are_dense_and_survive_decoding() {
        for (index, &number) in Number::ALL.iter().enumerate() {
            assert_eq!(number as usize, index);
            assert_eq!(Number::try_from(number as u32), Ok(number));
            assert!(Call::decode(number as u32, &[0; 5]).is_ok());
        }
        let beyond = u32::try_from(Number::ALL.len()).unwrap();
        assert_eq!(Call::decode(beyond, &[0; 5]), Err(Errno::NoSuchCall));
        assert_eq!(Number::try_from(u32::MAX), Err(Errno::NoSuchCall));
    }

    #[test]
    fn arguments_arrive_in_register_order() {
        assert_eq!(Call::decode(1, &[10, 20, 30, 40, 50]), Ok(Call::Write { handle: 10, buffer: 20, len_bytes: 30 }));
        assert_eq!(
            Call::decode(4, &[1, 2, 3, 4, 5]),
            Ok(Call::CreateProcess { path: 1, path_len: 2, arguments: 3, arguments_len: 4, streams: 5 })
        );
    }
}
