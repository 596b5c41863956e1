// What a Multiboot 1 loader hands over: the information structure's fields that this kernel reads. Multiboot
// Specification 0.6.96, section 3.3.

extension Kernel {
  /// What EAX holds when the loader is a Multiboot one.
  public static var multibootMagic: UInt32 { 0x2BAD_B002 }

  /// Reads memory map, modules and command line from the structure at physical address `information`, which must lie
  /// in the boot code's direct map. False when there is no memory information.
  public func readMultiboot(_ information: UInt32) -> Bool {
    let info = directAddress(of: UInt64(information))
    let flags = hardware.load32(info)
    self[word: KernelVariable.memoryRangeCount] = 0
    self[word: KernelVariable.reservedRangeCount] = 0
    saveCommandLine(flags & 1 << 2 != 0 ? hardware.load32(info + 16) : 0)
    if flags & 1 << 3 != 0 {
      readModules(count: hardware.load32(info + 20), at: hardware.load32(info + 24))
    }
    if flags & 1 << 6 != 0 {
      readMemoryMap(bytes: hardware.load32(info + 44), at: hardware.load32(info + 48))
    } else if flags & 1 << 0 != 0 {
      addMemory(base: 0, length: UInt64(hardware.load32(info + 4)) << 10)
      addMemory(base: 1 << 20, length: UInt64(hardware.load32(info + 8)) << 10)
    }
    return rangeCount(.memory) > 0
  }

  /// Entries of a size that does not count itself, base, length and type; type 1 is RAM.
  private func readMemoryMap(bytes: UInt32, at physical: UInt32) {
    var offset: UInt32 = 0
    while offset < bytes {
      let entry = directAddress(of: UInt64(physical &+ offset))
      if hardware.load32(entry + 20) == 1 {
        addMemory(base: hardware.load64(entry + 4), length: hardware.load64(entry + 12))
      }
      let step = hardware.load32(entry).addingReportingOverflow(4)
      if step.overflow || step.partialValue > bytes &- offset { return }
      offset &+= step.partialValue
    }
  }

  private func readModules(count: UInt32, at physical: UInt32) {
    for index in 0..<min(count, RangeTable.reserved.capacity) {
      let module = directAddress(of: UInt64(physical &+ index &* 16))
      let start = UInt64(hardware.load32(module))
      let end = UInt64(hardware.load32(module + 4))
      if start < end { reserveMemory(start..<end) }
    }
  }

  // MARK: The command line

  private var commandLineCapacity: UInt32 { 256 }

  private func saveCommandLine(_ physical: UInt32) {
    let target = commandLine
    hardware.store8(target, 0)
    if physical == 0 { return }
    let source = directAddress(of: UInt64(physical))
    for index in 0..<commandLineCapacity - 1 {
      let character = hardware.load8(source + index)
      hardware.store8(target + index, character)
      hardware.store8(target + index + 1, 0)
      if character == 0 { return }
    }
  }

  /// The saved command line, NUL-terminated (`saved_command_line`).
  public var commandLine: KernelAddress { address + KernelVariable.commandLine }

  /// The decimal number after `name` and an equals sign, as in `seed=7`; nil when that is not in the command line or not a
  /// number of 32 bits.
  public func commandLineNumber(_ name: StaticString) -> UInt32? {
    let length = UInt32(truncatingIfNeeded: name.utf8CodeUnitCount)
    var start: UInt32 = 0
    while start < commandLineCapacity {
      var position: UInt32 = 0
      while position < length, hardware.load8(commandLine + start + position) == name.utf8Start[Int(position)]
      {
        position += 1
      }
      if position == length, hardware.load8(commandLine + start + length) == 0x3D {
        return number(at: commandLine + start + length + 1)
      }
      // On to the next word, or the end.
      while hardware.load8(commandLine + start) != 0x20 {
        if hardware.load8(commandLine + start) == 0 { return nil }
        start += 1
      }
      start += 1
    }
    return nil
  }

  /// The digits from `address` on, up to a space or the end.
  private func number(at address: KernelAddress) -> UInt32? {
    var value: UInt32 = 0
    var index: UInt32 = 0
    while true {
      let character = hardware.load8(address + index)
      if character == 0 || character == 0x20 { return index > 0 ? value : nil }
      if character < 0x30 || character > 0x39 { return nil }
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(UInt32(character) &- 0x30)
      if overflow || carry { return nil }
      value = sum
      index += 1
    }
  }

  /// Whether `word` stands in the command line by itself.
  public func commandLineContains(_ word: StaticString) -> Bool {
    let length = UInt32(truncatingIfNeeded: word.utf8CodeUnitCount)
    var start: UInt32 = 0
    while start < commandLineCapacity {
      var end = start
      var equal = true
      while end < commandLineCapacity {
        let character = hardware.load8(commandLine + end)
        if character == 0 || character == 0x20 { break }
        let position = end &- start
        if position >= length || word.utf8Start[Int(position)] != character { equal = false }
        end += 1
      }
      if equal, end &- start == length { return true }
      if end >= commandLineCapacity || hardware.load8(commandLine + end) == 0 { return false }
      start = end + 1
    }
    return false
  }
}
