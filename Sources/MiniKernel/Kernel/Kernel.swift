/// The kernel: all of its functions, none of its state.
///
/// State lives in memory, in the block that `KernelVariable` lays out and in what it points to, and is reached by
/// the hardware's loads and stores. So a `Kernel` is a handle that costs nothing to copy, may be entered again from
/// a trap, and never holds a value that memory does not.
public struct Kernel<HW: Hardware>: KernelStructure {
  /// What executes loads, stores and privileged instructions.
  public let hardware: HW

  /// A handle to the kernel whose state is in the memory of `hardware`.
  public init(_ hardware: HW) { self.hardware = hardware }

  /// The block of kernel variables.
  @inline(__always)
  public var address: KernelAddress { hardware.image.variables }

  /// `max_pfn`: the first frame number after all memory in use.
  public var maxFrame: FrameNumber { self[word: KernelVariable.maxFrame] }

  /// `max_low_pfn`: the first frame number that is not mapped directly.
  public var maxLowFrame: FrameNumber { self[word: KernelVariable.maxLowFrame] }

  /// `high_memory`: the first address after the direct map.
  public var highMemory: KernelAddress { KernelAddress(self[word: KernelVariable.highMemory]) }

  /// `num_physpages`: frames of RAM in use.
  public var physicalPages: UInt32 { self[word: KernelVariable.physicalPages] }

  /// `VMALLOC_START`.
  public var vmallocStart: KernelAddress { KernelAddress(self[word: KernelVariable.vmallocStart]) }

  /// `VMALLOC_END`.
  public var vmallocEnd: KernelAddress { AddressSpace.vmallocEnd }

  /// What the processor can do.
  public var features: CPUFeatures { CPUFeatures(rawValue: self[word: KernelVariable.cpuFeatures]) }

  /// The width of a physical address in bits.
  public var physicalAddressBits: UInt32 { self[word: KernelVariable.physicalAddressBits] }

  /// The first physical address that the processor cannot form.
  public var physicalAddressLimit: UInt64 { 1 << UInt64(physicalAddressBits) }

  /// How many bad calls and bugs were reported.
  public var warnings: UInt32 { self[word: KernelVariable.warnings] }

  /// Adds 1 to the variable at `offset`.
  @inline(__always)
  func count(_ offset: UInt32, by step: UInt32 = 1) { self[word: offset] = self[word: offset] &+ step }

  /// The physical address of a directly mapped linear address (`__pa`).
  public func physicalAddress(of address: KernelAddress) -> UInt64 {
    UInt64(address - AddressSpace.pageOffset)
  }

  /// The linear address of a physical address below `high_memory` (`__va`).
  public func directAddress(of physical: UInt64) -> KernelAddress {
    AddressSpace.pageOffset + UInt32(truncatingIfNeeded: physical)
  }

  /// Reports a bad call or a kernel bug that was survived (`WARN_ON`, `printk(KERN_ERR ...)`).
  func warn(_ message: StaticString, _ address: KernelAddress) {
    count(KernelVariable.warnings)
    console.text(message).text(" (").hexadecimal(address.rawValue, digits: 8).text(")").newline()
  }
}
