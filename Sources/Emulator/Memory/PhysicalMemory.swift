import Glibc
import IA32

/// The machine's RAM, sparse on the host.
///
/// One reservation of host address space spans everything from physical 0 to the top of RAM, so that a physical
/// address and its host address differ by a constant. The host gives pages only when they are touched
/// (`MAP_NORESERVE`), and what lies between the ranges of RAM, as well as a page before and after, has no access
/// rights at all: a stray host pointer faults instead of reaching other memory.
public final class PhysicalMemory {
  /// Where RAM lies.
  public let layout: MemoryMap

  /// The host address of physical address 0.
  let base: UnsafeMutableRawPointer

  /// How many frames of RAM there are from 1 MiB and from 4 GiB on.
  private let extendedFrames: UInt64
  private let highFrames: UInt64

  private let reservation: UnsafeMutableRawPointer
  private let reservationBytes: Int

  private static let lowFrames: UInt64 = MemoryMap.legacyWindow.lowerBound >> 12
  private static let firstExtendedFrame: UInt64 = MemoryMap.legacyWindow.upperBound >> 12
  private static let firstHighFrame: UInt64 = MemoryMap.deviceHole.upperBound >> 12
  private static let hostHugePage = 2 << 20
  /// How much of the start of RAM may use the host's huge pages. They spare the host's own TLB where guests do
  /// most of their work (a random chase over 16 MiB was measured 7 % faster); the bound keeps what they can waste
  /// small on a guest that touches little.
  private static let hugePageBytes = 32 << 20

  /// RAM of `bytes` bytes, all zero: 1 MiB to 64 GiB in whole pages.
  ///
  /// - Throws: `MemoryError`: `.sizeOutOfRange`, `.sizeNotWholePages`, `.hostRefused`.
  public init(bytes: UInt64) throws(MemoryError) {
    let layout = try MemoryMap(bytes: bytes)
    // Room to align physical 0 to a huge page of the host, which also leaves the guard before it.
    let count = Int(layout.top) + 2 * Self.hostHugePage
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    guard let start = mmap(nil, count, PROT_NONE, flags, -1, 0), start != MAP_FAILED else {
      throw .hostRefused(bytes: bytes, code: errno)
    }
    let base = (start + 1).alignedUp(toMultipleOf: Self.hostHugePage)
    for range in layout.ramRanges {
      let size = Int(range.upperBound - range.lowerBound)
      guard mprotect(base + Int(range.lowerBound), size, PROT_READ | PROT_WRITE) == 0 else {
        let code = errno
        munmap(start, count)
        throw .hostRefused(bytes: bytes, code: code)
      }
    }
    // Advice only: without it everything works, at another cost.
    let huge = min(Int(layout.top), Self.hugePageBytes)
    _ = madvise(base, huge, MADV_HUGEPAGE)
    if Int(layout.top) > huge { _ = madvise(base + huge, Int(layout.top) - huge, MADV_NOHUGEPAGE) }

    self.layout = layout
    self.base = base
    extendedFrames = layout.bytesBelow4GiB >> 12
    highFrames = layout.bytesAbove4GiB >> 12
    reservation = start
    reservationBytes = count
  }

  deinit {
    munmap(reservation, reservationBytes)
  }

  /// The host address of the page frame `frame` (a physical address shifted right by 12), or `nil` if that isn't
  /// RAM.
  @inline(__always)
  func hostPage(_ frame: UInt64) -> UnsafeMutableRawPointer? {
    // Each test is one subtraction and one unsigned comparison: below the range wraps to something huge.
    if frame &- Self.firstExtendedFrame < extendedFrames || frame < Self.lowFrames
      || frame &- Self.firstHighFrame < highFrames
    {
      return base + Int(truncatingIfNeeded: frame &<< 12)
    }
    return nil
  }

  /// The physical address of the RAM byte at `host`: the inverse of `hostPage`.
  @inline(__always)
  func physicalAddress(ofHost host: UnsafeMutableRawPointer) -> UInt64 {
    UInt64(truncatingIfNeeded: host - base)
  }

  /// Whether all of the `count` bytes from `address` on are RAM. No bytes are, anywhere.
  public func isRAM(_ address: PhysicalAddress, count: UInt64) -> Bool {
    let (end, overflow) = address.rawValue.addingReportingOverflow(count)
    guard !overflow else { return false }
    return count == 0
      || layout.ramRanges.contains { $0.lowerBound <= address.rawValue && end <= $0.upperBound }
  }

  /// Reads `count` bytes as a tool does: no counter moves and no device notices. `nil` if they aren't all RAM.
  public func read(_ address: PhysicalAddress, count: Int) -> [UInt8]? {
    guard count >= 0, isRAM(address, count: UInt64(count)) else { return nil }
    guard count > 0 else { return [] }
    return [UInt8](UnsafeRawBufferPointer(start: base + Int(address.rawValue), count: count))
  }

  /// Writes `bytes` as a loader does.
  ///
  /// - Throws: `MemoryError.notRAM` if they wouldn't all go to RAM; then nothing is written.
  public func write(_ bytes: UnsafeRawBufferPointer, at address: PhysicalAddress) throws(MemoryError) {
    guard isRAM(address, count: UInt64(bytes.count)) else {
      throw .notRAM(address: address.rawValue, count: UInt64(bytes.count))
    }
    guard let source = bytes.baseAddress, bytes.count > 0 else { return }
    (base + Int(address.rawValue)).copyMemory(from: source, byteCount: bytes.count)
  }

  /// Writes `bytes` as a loader does.
  ///
  /// - Throws: `MemoryError.notRAM` if they wouldn't all go to RAM; then nothing is written.
  public func write(_ bytes: ArraySlice<UInt8>, at address: PhysicalAddress) throws(MemoryError) {
    let result = bytes.withUnsafeBytes { buffer -> Result<Void, MemoryError> in
      do throws(MemoryError) {
        return .success(try write(buffer, at: address))
      } catch {
        return .failure(error)
      }
    }
    try result.get()
  }

  /// Writes `bytes` as a loader does.
  ///
  /// - Throws: `MemoryError.notRAM` if they wouldn't all go to RAM; then nothing is written.
  public func write(_ bytes: [UInt8], at address: PhysicalAddress) throws(MemoryError) {
    try write(bytes[...], at: address)
  }
}
