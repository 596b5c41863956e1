import IA32

/// Linux's initial RAM disk: one file, or several that lie one behind the other, each on a multiple of 4, as boot loaders do it
/// with archives that complete each other.
struct RAMDisk {
  private let modules: [BootPlan.Module]
  private let offsets: [Int]
  let size: Int

  /// nil without a file.
  ///
  /// - Throws: `GuestImageError` for a file with a string, which nothing shows to the kernel.
  init?(_ modules: [BootPlan.Module]) throws(GuestImageError) {
    guard !modules.isEmpty else { return nil }
    var offsets: [Int] = []
    var end = 0
    for module in modules {
      guard module.string == HostFile.baseName(module.file) else {
        throw GuestImageError(
          file: module.file, .unsupportedProtocol,
          "the string beside it can't reach a Linux kernel started by the 32-bit protocol",
          expected: "the file alone")
      }
      end = (end + 3) & ~3
      offsets.append(end)
      end += module.bytes.count
    }
    self.modules = modules
    self.offsets = offsets
    size = end
  }

  /// - Parameter limit: the highest address that a byte may have.
  /// - Throws: `GuestImageError` if no RAM is free for it.
  func place(
    behind kernelEnd: UInt64, below limit: UInt32?, _ placement: inout Placement
  ) throws(GuestImageError) -> UInt64 {
    let start = placement.place(size: UInt64(max(size, 1)), alignment: 4096, from: max(kernelEnd, 1 << 20))
    guard let start, start + UInt64(size) <= UInt64(limit ?? .max) + 1 else {
      throw GuestImageError(
        file: modules[0].file, .noRoom,
        "no free RAM behind the kernel for an initial RAM disk of \(size) bytes",
        expected: "a machine with more memory, or a smaller RAM disk")
    }
    return start
  }

  func writes(at start: UInt64) -> [BootPlan.Write] {
    zip(modules, offsets).compactMap { module, offset in
      guard !module.bytes.isEmpty else { return nil }
      return BootPlan.Write(address: PhysicalAddress(start + UInt64(offset)), bytes: module.bytes[...])
    }
  }
}
