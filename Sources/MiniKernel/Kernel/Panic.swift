extension Kernel {
  /// Says what happened and where, and ends the run with status 1 (`panic`).
  public func panic(_ message: StaticString) -> Never {
    panic(message, from: hardware.framePointer)
  }

  /// The same with the backtrace of the code whose frame pointer is `frame`.
  public func panic(_ message: StaticString, from frame: KernelAddress) -> Never {
    _ = hardware.saveAndDisableInterrupts()
    muteConsole(false)
    console.newline().style(.bad).text("Kernel panic: ").text(message).style(.plain).newline()
    printBacktrace(frame)
    hardware.exit(1)
  }

  /// Prints the return addresses up the chain of frame pointers (`dump_stack`): each frame begins with the caller's EBP,
  /// and the return address lies above it. The names are in the image's symbols.
  public func printBacktrace(_ frame: KernelAddress) {
    var frame = frame
    console.line("Call trace:")
    for _ in 0..<32 {
      // Frames lie in the image's stack or in lowmem, aligned; anything else ends the chain.
      guard isReadable(frame), frame.rawValue & 3 == 0 else { return }
      let caller = KernelAddress(hardware.load32(frame))
      let returnAddress = hardware.load32(frame + 4)
      if returnAddress == 0 { return }
      console.text("  [<").hexadecimal(returnAddress, digits: 8).text(">]").newline()
      if caller <= frame { return }
      frame = caller
    }
  }

  private func isReadable(_ address: KernelAddress) -> Bool {
    if address >= hardware.image.start, address < hardware.image.end { return true }
    return isDirectlyMapped(address)
  }
}
