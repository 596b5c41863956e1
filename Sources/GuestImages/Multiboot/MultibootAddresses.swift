extension MultibootHeader.Addresses {
  /// The one segment that the load addresses describe, and the entry point.
  ///
  /// - Parameters:
  ///   - name: what messages call the header.
  ///   - offset: where the header lies in the file.
  /// - Throws: `GuestImageError` if the addresses contradict the file or each other.
  func segment(
    file: String, header name: String, at offset: Int, length: Int
  ) throws(GuestImageError) -> (segment: Segment, entry: UInt32) {
    func contradiction(_ problem: String, expected: String) -> GuestImageError {
      GuestImageError(file: file, .malformed, "in its \(name) header \(problem)", expected: expected)
    }
    let before = Int(header) - Int(load)
    guard before >= 0, before <= offset else {
      throw contradiction(
        "load_addr 0x\(hex(load)) doesn't fit header_addr 0x\(hex(header)) at offset \(offset)",
        expected: "load_addr at or below header_addr, by no more than the header's offset")
    }
    let start = offset - before
    let fileSize = loadEnd == 0 ? length - start : Int(loadEnd) - Int(load)
    guard fileSize > 0 else {
      throw contradiction(
        "load_end_addr 0x\(hex(loadEnd)) is not above load_addr 0x\(hex(load))",
        expected: "load_end_addr above load_addr, or 0 for the whole file")
    }
    guard start + fileSize <= length else {
      throw GuestImageError(
        file: file, .truncated,
        "its \(name) header loads \(fileSize) bytes from offset \(start) of a file of \(length)",
        expected: "the whole file")
    }
    let loadedEnd = Int(load) + fileSize
    guard bssEnd == 0 || Int(bssEnd) >= loadedEnd else {
      throw contradiction(
        "bss_end_addr 0x\(hex(bssEnd)) is below the end of what is loaded, 0x\(hex(loadedEnd))",
        expected: "bss_end_addr at or above load_end_addr, or 0")
    }
    let end = bssEnd == 0 ? loadedEnd : Int(bssEnd)
    guard end <= 1 << 32 else {
      throw GuestImageError(
        file: file, .absurdSize, "its \(name) header loads past 4 GiB", expected: "an end below 4 GiB")
    }
    guard Int(entry) >= Int(load), Int(entry) < end else {
      throw GuestImageError(
        file: file, .entryOutsideSegments,
        "entry_addr 0x\(hex(entry)) of its \(name) header is outside what it loads",
        expected: "an entry point between load_addr and bss_end_addr")
    }
    let segment = Segment(
      index: 0, physical: load, virtual: load, fileRange: start..<start + fileSize,
      memorySize: UInt32(end - Int(load)), flags: [.read, .write, .execute])
    return (segment, entry)
  }
}
