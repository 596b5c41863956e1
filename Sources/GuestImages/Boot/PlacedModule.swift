import IA32

/// A file for the guest, where it came to lie.
struct PlacedModule {
  let start: UInt32
  let end: UInt32
  let string: String
}

extension Placement {
  /// Finds room for each module behind the kernel and above 1 MiB, on page boundaries.
  ///
  /// - Throws: `GuestImageError` for one that finds none.
  mutating func place(
    _ modules: [BootPlan.Module], behind segments: [Segment], writes: inout [BootPlan.Write]
  ) throws(GuestImageError) -> [PlacedModule] {
    let kernelEnd = segments.map(\.physicalRange.upperBound).max() ?? 0
    var placed: [PlacedModule] = []
    for module in modules {
      // An empty module still gets an address of its own.
      guard
        let start = place(
          size: UInt64(max(module.bytes.count, 1)), alignment: 0x1000, from: max(kernelEnd, 1 << 20))
      else {
        throw GuestImageError(
          file: module.file, .noRoom,
          "no free RAM below 4 GiB for this module of \(module.bytes.count) bytes",
          expected: "a machine with more memory, or a smaller module")
      }
      if !module.bytes.isEmpty {
        writes.append(BootPlan.Write(address: PhysicalAddress(start), bytes: module.bytes[...]))
      }
      placed.append(
        PlacedModule(
          start: UInt32(start), end: UInt32(start + UInt64(module.bytes.count)), string: module.string))
    }
    return placed
  }

  /// Finds room for the structure that tells the guest of all the rest.
  ///
  /// - Throws: `GuestImageError` if there is none.
  mutating func placeInformation(size: Int, from preferred: UInt64, file: String) throws(GuestImageError)
    -> UInt64
  {
    guard let base = place(size: UInt64(size), alignment: 16, from: preferred) else {
      throw GuestImageError(
        file: file, .noRoom, "no free RAM below 4 GiB for \(size) bytes of boot information",
        expected: "a machine with more memory, or a shorter command line")
    }
    return base
  }
}
