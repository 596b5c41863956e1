extension MachineSnapshot {
  /// What a snapshot takes on the host without pages of RAM, in bytes, to a few percent: the caches' directories make most of it.
  var hostBytes: Int {
    let caches = processor.caches.arrays.reduce(0) { sum, array in
      sum + (array.lines.count + array.replacement.trees.count) * MemoryLayout<UInt64>.stride
    }
    return caches + Self.otherBytes
  }

  /// Registers, counters, TLB, branch predictor, devices.
  private static let otherBytes = 64 << 10
}
