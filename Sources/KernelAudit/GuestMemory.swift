import Emulator
import IA32

/// Guest memory by physical address, for the time of one audit: each page is fetched once.
final class GuestMemory {
  private let memory: PhysicalMemory
  private var pages: [UInt64: [UInt32]] = [:]
  private var lastFrame: UInt64 = .max
  private var lastPage: [UInt32] = []

  init(_ memory: PhysicalMemory) { self.memory = memory }

  /// The aligned 32-bit word at `physical`; nil outside RAM and for an address that is not aligned.
  func word(_ physical: UInt64) -> UInt32? {
    let frame = physical >> 12
    if physical & 3 != 0 { return nil }
    if frame != lastFrame {
      guard let page = page(frame) else { return nil }
      lastFrame = frame
      lastPage = page
    }
    return lastPage[Int(physical & 0xFFF) / 4]
  }

  /// The aligned 64-bit word at `physical`, of which the low half comes first.
  func doubleword(_ physical: UInt64) -> UInt64? {
    guard let low = word(physical), let high = word(physical + 4) else { return nil }
    return UInt64(high) << 32 | UInt64(low)
  }

  /// The word at an address of the kernel's direct map.
  func word(directlyMapped linear: UInt32) -> UInt32? {
    linear < KernelLayout.pageOffset ? nil : word(UInt64(linear - KernelLayout.pageOffset))
  }

  /// The 1024 words of a frame of RAM.
  func page(_ frame: UInt64) -> [UInt32]? {
    if let page = pages[frame] { return page }
    guard let words = words(PhysicalAddress(frame << 12), count: 1024) else { return nil }
    pages[frame] = words
    return words
  }

  /// Consecutive words, not kept for later.
  func words(_ start: PhysicalAddress, count: Int) -> [UInt32]? {
    memory.read(start, count: count * 4)?.withUnsafeBytes { bytes in
      (0..<count).map { UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self)) }
    }
  }
}
