/// Stores of many bytes that don't come from an instruction.
extension Bus {
  /// The host address of a frame of RAM or ROM, whatever the A20 gate says; nil where a device or nothing answers.
  func hostMemory(ofFrame frame: UInt64) -> UnsafeRawPointer? {
    if let page = memory.hostPage(frame) { return UnsafeRawPointer(page) }
    guard frame < 1 << 40, let slot = map.slot(at: frame << 12), let host = slot.host else { return nil }
    return UnsafeRawPointer(host + Int(frame << 12 - slot.region.range.lowerBound))
  }

  /// Stores `bytes` from a physical address on, whatever the A20 gate says, through the gate that all stores go through. Bytes
  /// that don't go to RAM are lost.
  /// - Returns: whether RAM, ROM or a device was there for all of them.
  func store(_ bytes: [UInt8], at address: UInt64, writer: StoreWriter) -> Bool {
    let before = gate?.writer
    gate?.writer = writer
    defer { if let before { gate?.writer = before } }
    var claimed = true
    bytes.withUnsafeBytes { source in
      var done = 0
      while done < source.count {
        let (here, isBeyond) = address.addingReportingOverflow(UInt64(done))
        // Onlookers hear of up to 8 bytes at once, as of the CPU's stores.
        let size = min(source.count - done, 8 - Int(here & 7))
        let piece = UnsafeRawBufferPointer(rebasing: source[done..<(done + size)])
        if !isBeyond, let page = memory.hostPage(here >> 12) {
          store(piece, in: page, at: here, isDevice: writer == .device)
        } else if isBeyond || map.slot(at: here) == nil {
          claimed = false
        }
        done += size
      }
    }
    return claimed
  }

  private func store(
    _ piece: UnsafeRawBufferPointer, in page: UnsafeMutableRawPointer, at address: UInt64, isDevice: Bool
  ) {
    let offset = Int(address & 0xFFF)
    func copy() { (page + offset).copyMemory(from: piece.baseAddress!, byteCount: piece.count) }
    if isDevice { snoop(address, UInt32(piece.count)) }
    guard let gate else { return copy() }
    gate.store(page, offset: UInt32(offset), bytes: UInt32(piece.count), copy)
  }
}
