/**
 * Numbers of the system calls that the filter names, for each CPU (Linux: arch/x86/entry/syscalls/syscall_64.tbl,
 * include/uapi/asm-generic/unistd.h). Absent where a CPU does not have one.
 */
type Numbers = { readonly [Cpu in FilteredCpu]?: number };

/** CPUs for which there is a filter, by Node's names. */
export type FilteredCpu = "x64" | "arm64";

function both(x64: number, arm64: number): Required<Numbers> {
  return { x64, arm64 };
}

/** Those that nothing inside a sandbox may call, whatever its arguments; grouped by why. */
export const REFUSED: Readonly<Record<string, Numbers>> = {
  // Another view of the file system than the one that was made for it.
  mount: both(165, 40),
  umount2: both(166, 39),
  pivot_root: both(155, 41),
  chroot: both(161, 51),
  open_tree: both(428, 428),
  move_mount: both(429, 429),
  fsopen: both(430, 430),
  fsconfig: both(431, 431),
  fsmount: both(432, 432),
  fspick: both(433, 433),
  mount_setattr: both(442, 442),
  name_to_handle_at: both(303, 264),
  open_by_handle_at: both(304, 265),
  quotactl: both(179, 60),
  quotactl_fd: both(443, 443),
  fanotify_init: both(300, 262),
  // Namespaces: in a user namespace of its own a process has every capability.
  unshare: both(272, 97),
  setns: both(308, 268),
  sethostname: both(170, 161),
  setdomainname: both(171, 162),
  // Other processes.
  ptrace: both(101, 117),
  process_vm_readv: both(310, 270),
  process_vm_writev: both(311, 271),
  process_madvise: both(440, 440),
  pidfd_getfd: both(438, 438),
  kcmp: both(312, 272),
  move_pages: both(279, 239),
  migrate_pages: both(256, 238),
  // Parts of the kernel with a history of holes that no server needs.
  bpf: both(321, 280),
  perf_event_open: both(298, 241),
  userfaultfd: both(323, 282),
  io_uring_setup: both(425, 425),
  io_uring_enter: both(426, 426),
  io_uring_register: both(427, 427),
  add_key: both(248, 217),
  request_key: both(249, 218),
  keyctl: both(250, 219),
  lookup_dcookie: both(212, 18),
  mbind: both(237, 235),
  set_mempolicy: both(238, 237),
  set_mempolicy_home_node: both(450, 450),
  modify_ldt: { x64: 154 },
  uselib: { x64: 134 },
  ustat: { x64: 136 },
  sysfs: { x64: 139 },
  _sysctl: { x64: 156 },
  nfsservctl: both(180, 42),
  // The machine itself.
  init_module: both(175, 105),
  finit_module: both(313, 273),
  delete_module: both(176, 106),
  create_module: { x64: 174 },
  query_module: { x64: 178 },
  get_kernel_syms: { x64: 177 },
  kexec_load: both(246, 104),
  kexec_file_load: both(320, 294),
  reboot: both(169, 142),
  swapon: both(167, 224),
  swapoff: both(168, 225),
  syslog: both(103, 116),
  acct: both(163, 89),
  vhangup: both(153, 58),
  settimeofday: both(164, 170),
  clock_settime: both(227, 112),
  clock_adjtime: both(305, 266),
  ioperm: { x64: 173 },
  iopl: { x64: 172 },
};

/** Those whose arguments decide. */
export const JUDGED = {
  clone: both(56, 220),
  clone3: both(435, 435),
  socket: both(41, 198),
  socketpair: both(53, 199),
  ioctl: both(16, 29),
  personality: both(135, 92),
} as const;

/**
 * The last call of Linux 6.6 (fchmodat2). What newer kernels have beyond it answers as on a kernel without it: every C
 * library and runtime knows what to do then, and nothing gets in that nobody has judged.
 */
export const LAST_KNOWN = 452;
