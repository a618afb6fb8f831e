//! The one table of calls.
//!
//! `int 0x80` with the number in `eax` and arguments in `ebx ecx edx esi edi`; the result comes back in `eax`, all other
//! registers are kept. `sysenter` is a faster way with its own registers; `docs/abi.md` has both. See [`Errno::from_result_word`](crate::Errno::from_result_word) for how the result is read.

/// Hands the table of calls to a macro. Each row is
/// `/// doc` `number => Name as function(argument, ...) -> [Error, ...];`.
///
/// An argument is a word. Where it is an address, `name: *mut Record` or `name: *const u8` says of
/// what: that is how the header for C declares it. The brackets hold every error that the call can
/// return. The doc names an error only to say when it comes.
///
/// The kernel's decoder, `libsys`'s stubs, `docs/abi.md` and the header for C are all made from the
/// table. A kernel with debug assertions compares each result with it, and so do the programs of
/// `cargo xtask fuzz`. Numbers are never reused.
#[macro_export]
macro_rules! syscall_table {
    ($macro:path) => {
        $macro! {
            /// Ends the calling process with `code`. Does not return.
            0 => Exit as exit(code) -> [];
            /// Writes `len_bytes` bytes at `buffer` to `handle`. A file grows as needed, page by page: each
            /// page's bytes are seen all at once. Bytes between the old end of a file and the position
            /// become zeros, with the first page that is written. On the console, other processes
            /// print before or after the bytes of a call, and between two parts of 4096 bytes if
            /// there are more. Returns the number of bytes written.
            /// `NotSupported` for random bytes, `Busy` for the file of a running program.
            1 => Write as write(handle, buffer: *const u8, len_bytes)
                -> [BadAddress, BadHandle, NotSupported, Busy, DiskFull, OutOfMemory, Io];
            /// Promises `len_bytes` bytes, rounded up to pages; zero-filled at first touch. Returns the
            /// region's first address. `InvalidArgument` for 0 bytes.
            2 => AllocateMemory as allocate_memory(len_bytes)
                -> [InvalidArgument, OutOfAddressSpace, OutOfMemory, OverLimit];
            /// Frees the region that `AllocateMemory` or `AllocateInPool` returned as `start`. Returns 0.
            /// `BadAddress` if none starts there.
            3 => FreeMemory as free_memory(start: *mut u8) -> [BadAddress];
            /// Starts the program in file `path` (`path_len` bytes of UTF-8). `arguments` is
            /// `arguments_len` bytes: each argument followed by a zero byte, otherwise
            /// `InvalidArgument`. The [`Streams`](crate::device::Streams) at `streams` name the handles
            /// of the caller that become the child's handles 0, 1 and 2; if `streams` is 0, these are
            /// the caller's own 0, 1 and 2. Parent and child share them. Returns the child's pid.
            /// `NotPermitted` for the swap file, `Busy` for a file that is being written to,
            /// `OverLimit` if the program needs more pages than the caller may be promised in all.
            4 => CreateProcess as create_process(path: *const u8, path_len, arguments: *const u8,
                arguments_len, streams: *const Streams)
                -> [BadAddress, InvalidArgument, BadHandle, BadName, ArgumentsTooLong, NoSuchFile,
                    NotPermitted, NotExecutable, Busy, OutOfMemory, OverLimit, TooManyProcesses, Io];
            /// Waits until the child `pid` (0: any child) has ended and fills in the
            /// [`ExitStatus`](crate::record::ExitStatus) at `status`. Returns the child's pid.
            /// `NoSuchProcess` if `pid` is no child of the caller. After `Io`, the status can be had by
            /// the next `Wait`.
            5 => Wait as wait(pid, status: *mut ExitStatus) -> [BadAddress, NoChild, NoSuchProcess, Io];
            /// Gives way: the draw for the CPU is made anew, with the caller behind all others of its class. Returns 0.
            6 => Yield as yield_now() -> [];
            /// Sleeps for at least `milliseconds`. Returns 0.
            7 => Sleep as sleep(milliseconds) -> [];
            /// Returns the caller's pid.
            8 => GetPid as get_pid() -> [];
            /// Fills in the [`Mapping`](crate::record::Mapping) at `mapping` for the page that holds
            /// `address`. The call only looks: a page fault brings a page into memory, as the
            /// assignment's GetMapping does. Returns 0. `BadAddress` if either address is not the
            /// caller's.
            9 => GetMapping as get_mapping(address: *const u8, mapping: *mut Mapping) -> [BadAddress, Io];
            /// Fills in the [`SystemInfo`](crate::record::SystemInfo) at `info`. Returns 0.
            10 => SystemInfo as system_info(info: *mut SystemInfo) -> [BadAddress, Io];
            /// Reads at most `len_bytes` bytes from `handle` into `buffer`: bytes of a file or random
            /// ones; a line of the console, waiting for its end; of `console keys` the keys that were
            /// pressed, waiting for the first. Returns the number of bytes; 0 at the end. `TimedOut` if
            /// no key was pressed in time.
            11 => Read as read(handle, buffer: *mut u8, len_bytes)
                -> [BadAddress, BadHandle, TimedOut, OutOfMemory, Io];
            /// Saves all files and ends the machine with `status`. If the disk does not take all changes,
            /// the console says which files have lost some, and the machine ends with a status of its
            /// own. A process may do that if it has the right to be
            /// real-time, as init and the shell have, or if a process that has this right started it
            /// and still exists. Otherwise `NotPermitted`.
            12 => Shutdown as shutdown(status) -> [NotPermitted];
            /// Fills in the [`Time`](crate::record::Time) at `time`. Returns 0.
            13 => Time as time(time: *mut Time) -> [BadAddress, Io];
            /// Fills in the [`DirectoryEntry`](crate::record::DirectoryEntry) at `entry` for the file
            /// at position `index` of the directory. Returns 0. `EndOfList` if there is none.
            14 => ReadDirectory as read_directory(index, entry: *mut DirectoryEntry)
                -> [BadAddress, EndOfList, Io];
            /// Ends the process `pid`, whatever it is doing: the caller, a descendant of the caller, or
            /// a descendant of the process that started the caller, as long as that one exists. Init
            /// may end every process, and only init itself may end init; otherwise `NotPermitted`.
            /// Returns 0.
            15 => Kill as kill(pid) -> [NoSuchProcess, NotPermitted];
            /// Puts the caller or its child `pid` into a [`Class`](crate::Class), given by its number: a
            /// lower one, or any if the caller is real-time or has the right to be; otherwise
            /// `NotPermitted`. A process that is made real-time by another has that right from then on.
            /// A child is born in its parent's class, but not in one to which the parent has only
            /// raised itself. Returns 0. `InvalidArgument` if no class has this number.
            16 => SetPriority as set_priority(pid, class) -> [InvalidArgument, NoSuchProcess, NotPermitted];
            /// Fills in the [`ProcessInfo`](crate::process::ProcessInfo) at `info` for the process with
            /// the lowest pid that is not below `pid`. Returns its pid. `EndOfList` if there is none.
            17 => ProcessInfo as process_info(pid, info: *mut ProcessInfo) -> [BadAddress, EndOfList, Io];
            /// Puts a copy of the `len_bytes` bytes at `bytes` into the queue of process `pid`, with the
            /// word `what` and the caller's pid; if that process waits for a message, it gets the rest
            /// of the caller's time slice. Returns 0. `MessageTooLong` if there are more than 1024
            /// bytes.
            18 => SendMessage as send_message(pid, what, bytes: *const u8, len_bytes)
                -> [BadAddress, MessageTooLong, NoSuchProcess, QueueFull, TooManyUnread, OutOfMemory, Io];
            /// Takes the first message out of the caller's queue, waiting for one for at most
            /// `milliseconds` (0: not at all; 4294967295: for ever). At `buffer`, where 1032 bytes must
            /// be the caller's to write, a [`MessageHeader`](crate::message::MessageHeader) is filled
            /// in, and after it the message's bytes. Returns the number of these bytes. `TimedOut` if no
            /// message came. After `Io`, the message is still in the queue.
            19 => WaitForMessage as wait_for_message(buffer: *mut MessageHeader, milliseconds)
                -> [BadAddress, TimedOut, Io];
            /// Returns the pid of the process that runs the program in file `name` (`name_len` bytes of
            /// UTF-8); of several, the lowest. Names are compared as
            /// [`ProcessInfo`](crate::process::ProcessInfo) shows them: by their first 32 bytes.
            20 => GetPidByName as get_pid_by_name(name: *const u8, name_len)
                -> [BadAddress, BadName, NoSuchProcess, Io];
            /// Opens a device by its name (`path_len` bytes of UTF-8): `random SEED`, `console` for
            /// lines, `console keys [MILLISECONDS]` for single keys, `null`; `file NAME`, or any other
            /// name, opens a file at its beginning. Returns a handle. `NotPermitted` for the swap file,
            /// `NotSupported` for the keys of a console that is no terminal.
            21 => Open as open(path: *const u8, path_len)
                -> [BadAddress, BadName, NoSuchFile, NotPermitted, NotSupported, TooManyOpen, OutOfMemory, Io];
            /// Closes a handle. Bytes that were written to it stay in memory until they are pushed out
            /// or [`Sync`](Number::Sync) is called. Returns 0.
            22 => Close as close(handle) -> [BadHandle];
            /// Makes byte `offset` of a file the next one that is read or written, also past its end; of
            /// random bytes, `offset` are skipped. Returns 0. `NotSupported` for the console.
            23 => Seek as seek(handle, offset) -> [BadHandle, NotSupported];
            /// Fills in the [`FileInfo`](crate::device::FileInfo) at `info` for an open device. Returns
            /// 0.
            24 => Stat as stat(handle, info: *mut FileInfo) -> [BadAddress, BadHandle, Io];
            /// Makes an empty file of this name and opens it. Returns a handle.
            25 => Create as create(path: *const u8, path_len)
                -> [BadAddress, BadName, AlreadyExists, DiskFull, TooManyOpen, OutOfMemory, Io];
            /// Removes a file's name. Processes that have the file open or mapped go on using it; it is
            /// freed after the last of them. Returns 0 once the disk does not have the name any more.
            /// `NotPermitted` for the swap file. `Io`: the disk failed, and the file still has its name;
            /// if the machine is switched off before the disk works again, the name may be gone.
            26 => Remove as remove(path: *const u8, path_len)
                -> [BadAddress, BadName, NoSuchFile, NotPermitted, OutOfMemory, Io];
            /// Writes all changes of an open file to the disk, those made through mappings too. Returns
            /// 0. `NotSupported` for other devices.
            27 => Sync as sync(handle) -> [BadHandle, NotSupported, OutOfMemory, Io];
            /// Maps `len_bytes` bytes of an open file, rounded up to pages, from byte `offset` on, which
            /// is a multiple of the page size. `access` is 1 to read, 3 to read and write. `address` is
            /// a page's first address, or [`ANY_ADDRESS`](crate::layout::ANY_ADDRESS). Bytes past the
            /// end of the file read as zeros and are never written to it. Returns the first address.
            /// `NotSupported` for other devices, `InvalidArgument` for no bytes or an argument that is
            /// not aligned, `BadAddress` outside of user space, `Busy` to write to the file of a running
            /// program, `TooManyOpen` if the caller has 256 mappings.
            28 => MapFile as map_file(handle, offset, len_bytes, access, address)
                -> [BadHandle, NotSupported, InvalidArgument, BadAddress, Overlaps, Busy,
                    OutOfAddressSpace, TooManyOpen, OutOfMemory, OverLimit];
            /// Ends the mapping that `MapFile` returned as `start`, and writes the changes that were
            /// made through it to the disk. Returns 0. `BadAddress` if none starts there. After `Io` and
            /// `OutOfMemory` the mapping has ended, but some changes are not on the disk.
            29 => UnmapFile as unmap_file(start: *const u8) -> [BadAddress, OutOfMemory, Io];
            /// From now on the caller, and each process that it starts, may be promised at most `pages`
            /// pages, page tables included. It keeps the pages that it has. Returns 0. `NotPermitted`
            /// if that is more than it may be promised now.
            30 => SetLimit as set_limit(pages) -> [NotPermitted];
            /// Lets frames be borrowed by another replacement policy, by its place in
            /// [`POLICY_NAMES`](crate::POLICY_NAMES). Returns 0. `InvalidArgument` if no policy has this
            /// place.
            31 => SetPolicy as set_policy(policy) -> [InvalidArgument, OutOfMemory];
            /// Ctrl-C on the console now ends process `pid`, a descendant of the caller, and all that
            /// descend from it; with 0, no process. The first process that asks, the shell, is the only
            /// one that may, as long as it lives. Returns 0.
            32 => SetForeground as set_foreground(pid) -> [NoSuchProcess, NotPermitted];
            /// `SendMessage` and `WaitForMessage` in one. At `buffer`, 1032 bytes are the caller's to
            /// write: the [`MessageHeader`](crate::message::MessageHeader) names receiver and `what`,
            /// and the `len_bytes` bytes after it are sent. Then as `WaitForMessage`, into the same
            /// buffer: if the receiver waits for a message, it runs in place of the caller until it
            /// answers. `TimedOut`: the message was sent, and none came. `Io`: it may have been sent.
            /// With every other error it was not sent.
            33 => SendAndWait as send_and_wait(buffer: *mut MessageHeader, len_bytes, milliseconds)
                -> [BadAddress, MessageTooLong, NoSuchProcess, QueueFull, TooManyUnread, OutOfMemory, TimedOut, Io];
            /// Registers a pool of the caller's own: `len_bytes` bytes of address space from `base` on,
            /// both multiples of the page size. It may lie anywhere below the stack's guard where no
            /// region and no other registered pool lies; the heap and files keep off it from then on.
            /// Returns 0. `InvalidArgument` for no bytes or an argument that is not aligned,
            /// `BadAddress` outside of that space, `TooManyPools` if the caller has 16.
            34 => RegisterPool as register_pool(base: *mut u8, len_bytes)
                -> [InvalidArgument, BadAddress, Overlaps, TooManyPools, OutOfMemory];
            /// Frees the pool that the caller registered at `base`, and all regions in it. Returns 0.
            /// `BadAddress` if none begins there.
            35 => UnregisterPool as unregister_pool(base: *mut u8) -> [BadAddress];
            /// Promises memory as `AllocateMemory` does, in the pool that the caller registered at
            /// `base`. `FreeMemory` frees it. Returns the region's first address. `InvalidArgument` for 0
            /// bytes, `BadAddress` if no pool begins at `base`, `OutOfAddressSpace` if the pool has no
            /// hole of that size.
            36 => AllocateInPool as allocate_in_pool(base: *mut u8, len_bytes)
                -> [InvalidArgument, BadAddress, OutOfAddressSpace, OutOfMemory, OverLimit];
            /// Frees the `len_bytes` bytes from `start` on, both multiples of the page size: any
            /// run of pages of one region that `AllocateMemory` or `AllocateInPool` returned. The
            /// pages before and after the run become regions of their own. Returns 0.
            /// `InvalidArgument` for no bytes or an argument that is not aligned, `BadAddress` if
            /// no region holds the whole run, `OutOfMemory` if the kernel cannot record one more
            /// region.
            37 => FreePages as free_pages(start: *mut u8, len_bytes)
                -> [InvalidArgument, BadAddress, OutOfMemory];
            /// Switches the textbook's order of paging on (1) or off (0), or only asks for it (2).
            /// On: a page is evicted only when no frame is free, and alone. It is a page of a
            /// random process, or of a file if no process has one to give; nothing is read ahead.
            /// Off: the cleaner and read-ahead that the machine booted with work again; the policy
            /// stays `random`. Returns 1 if it was on before, otherwise 0. `InvalidArgument` for
            /// any other number.
            38 => SetTextbook as set_textbook(on) -> [InvalidArgument, OutOfMemory];
        }
    };
}

macro_rules! define_calls {
    ($($(#[$doc:meta])* $number:literal => $name:ident as $function:ident(
        $($argument:ident $(: *$access:tt $pointee:ty)?),*
    ) -> [$($error:ident),*];)*) => {
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

            /// Every error that the call can return.
            pub const fn errors(self) -> &'static [crate::Errno] {
                match self { $(Self::$name => &[$(crate::Errno::$error),*],)* }
            }
        }

        /// The call `number` may leave `word` in `eax`: a value, or an error that the table lists for
        /// it. A number that no call has leaves nothing but `NoSuchCall`.
        pub fn may_return(number: u32, word: u32) -> bool {
            let result = crate::Errno::from_result_word(word);
            match Number::try_from(number) {
                Ok(call) => result.map_or_else(|error| call.errors().contains(&error), |_| true),
                Err(error) => result == Err(error),
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
    use super::{Call, Number, may_return};
    use crate::Errno;

    #[test]
    fn only_the_errors_of_the_table_may_be_returned() {
        let stat = Number::Stat as u32;
        assert!(may_return(stat, 0) && may_return(stat, Errno::BadHandle.to_result_word()));
        assert!(!may_return(stat, Errno::DiskFull.to_result_word()));
        assert!(!may_return(stat, Errno::NoSuchCall.to_result_word()));
        assert!(!may_return(stat, 4000_u32.wrapping_neg()), "no error has this number");
        let beyond = u32::try_from(Number::ALL.len()).unwrap();
        assert!(may_return(beyond, Errno::NoSuchCall.to_result_word()) && !may_return(beyond, 0));
    }

    #[test]
    fn no_error_is_listed_twice() {
        for call in Number::ALL {
            let errors = call.errors();
            let is_repeated = |place: usize| errors[..place].contains(&errors[place]);
            assert!(!(0..errors.len()).any(is_repeated), "{}", call.name());
        }
    }

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
