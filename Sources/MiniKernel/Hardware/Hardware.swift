/// Everything the kernel asks of the machine below it.
///
/// In the guest each requirement is one instruction or a few, inlined. On the host a test adapter sends each to an
/// emulated machine: a load is translated by its paging unit, through its TLB, and when it faults the adapter calls
/// `Kernel.handlePageFault` as the trap glue would, then retries or gives up. The kernel holds no state of its own
/// outside memory reached through here.
public protocol Hardware {
  // MARK: Memory, at linear addresses

  func load8(_ address: KernelAddress) -> UInt8
  func load16(_ address: KernelAddress) -> UInt16
  func load32(_ address: KernelAddress) -> UInt32
  /// Two 32-bit loads, the lower half first.
  func load64(_ address: KernelAddress) -> UInt64
  func store8(_ address: KernelAddress, _ value: UInt8)
  func store16(_ address: KernelAddress, _ value: UInt16)
  func store32(_ address: KernelAddress, _ value: UInt32)
  /// Two 32-bit stores, the lower half first.
  func store64(_ address: KernelAddress, _ value: UInt64)

  /// Stores `value` into `count` consecutive doublewords (REP STOSD).
  func fill32(_ address: KernelAddress, count: UInt32, with value: UInt32)

  /// A load that may fault: nil when the page-fault handler could not repair the fault (Linux's
  /// `probe_kernel_address`, by an exception table).
  func probeLoad32(_ address: KernelAddress) -> UInt32?

  /// A store that may fault: false when the page-fault handler could not repair the fault.
  func probeStore32(_ address: KernelAddress, _ value: UInt32) -> Bool

  // MARK: Paging

  /// INVLPG: drops the TLB's entries for the page of `address`, global ones included.
  func invalidatePage(_ address: KernelAddress)
  func readCR2() -> UInt32
  func readCR3() -> UInt32
  func writeCR3(_ value: UInt32)
  func readCR4() -> UInt32
  func writeCR4(_ value: UInt32)

  // MARK: Ports, interrupts, time

  func portIn8(_ port: UInt16) -> UInt8
  func portOut8(_ port: UInt16, _ value: UInt8)
  /// EFLAGS.IF as it was; clears it (PUSHF, CLI).
  func saveAndDisableInterrupts() -> Bool
  /// Sets EFLAGS.IF to what `saveAndDisableInterrupts` gave.
  func restoreInterrupts(_ enabled: Bool)
  /// HLT with interrupts enabled: returns after the next interrupt.
  func waitForInterrupt()
  /// RDTSC: cycles since reset.
  func readCycleCounter() -> UInt64
  /// WRMSR: false when the processor has no such register or refuses the value (Linux's `wrmsr_safe`).
  func writeMSR(_ index: UInt32, _ value: UInt64) -> Bool
  /// RDPMC: performance counter `index`, of 40 bits; nil when the processor has none.
  func readPerformanceCounter(_ index: UInt32) -> UInt64?
  /// EBP of the caller, where a backtrace starts; null where there is no such chain.
  var framePointer: KernelAddress { get }

  // MARK: The image

  /// What the linker and the boot code know.
  var image: KernelImage { get }

  /// Ends the run with `status` (0 is success) and never comes back.
  func exit(_ status: UInt8) -> Never
}

/// Where the kernel lies and what its processor can do: known to linker and boot code, constant afterwards.
public struct KernelImage: Sendable {
  /// The start of the block of kernel variables that `KernelVariable` lays out (symbol `kernel_variables`).
  public var variables: KernelAddress
  /// The first linear address of the image (symbol `_text`), page-aligned.
  public var start: KernelAddress
  /// The first linear address after the image, its bss included (symbol `_end`).
  public var end: KernelAddress

  /// An image between `start` and `end` whose variables begin at `variables`.
  public init(variables: KernelAddress, start: KernelAddress, end: KernelAddress) {
    self.variables = variables
    self.start = start
    self.end = end
  }
}

/// What CPUID told the boot code, as kept in the kernel variable `cpu_features`.
public struct CPUFeatures: OptionSet, Sendable {
  /// The value of `cpu_features`.
  public var rawValue: UInt32
  /// The features in `rawValue`.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Global pages (CPUID.1:EDX bit 13), and CR4.PGE is set.
  public static var globalPages: CPUFeatures { CPUFeatures(rawValue: 1 << 0) }
  /// No-execute pages (CPUID.80000001H:EDX bit 20), and EFER.NXE is set.
  public static var noExecute: CPUFeatures { CPUFeatures(rawValue: 1 << 1) }
}
