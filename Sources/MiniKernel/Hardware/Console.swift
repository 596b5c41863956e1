/// The kernel's console: the first serial port, a 16550, polled. PC16550D datasheet, section 8.
///
/// Every call returns the console, so that a line reads as one expression; numbers carry the width of their column.
public struct Console<HW: Hardware> {
  let hardware: HW

  /// Bits of the kernel variable `console_flags`.
  static var colourFlag: UInt32 { 1 }
  static var mutedFlag: UInt32 { 2 }

  private var flags: UInt32 { hardware.load32(hardware.image.variables + KernelVariable.consoleFlags) }

  /// Sets the port to 115200 baud, 8 data bits, no parity, FIFOs on, no interrupts.
  public func start() {
    hardware.portOut8(SerialPort.interruptEnable, 0)
    hardware.portOut8(SerialPort.lineControl, 0x80)
    hardware.portOut8(SerialPort.data, 1)
    hardware.portOut8(SerialPort.interruptEnable, 0)
    hardware.portOut8(SerialPort.lineControl, 0x03)
    hardware.portOut8(SerialPort.fifoControl, 0x07)
    hardware.portOut8(SerialPort.modemControl, 0x03)
  }

  private func put(_ byte: UInt8) {
    // A port without a chip reads as all ones, so this ends there too.
    while hardware.portIn8(SerialPort.lineStatus) & 0x20 == 0 {}
    hardware.portOut8(SerialPort.data, byte)
  }

  /// Sends one byte; a line feed is preceded by a carriage return. Nothing is sent while output is muted.
  @discardableResult
  public func byte(_ byte: UInt8) -> Console {
    if flags & Self.mutedFlag != 0 { return self }
    if byte == 0x0A { put(0x0D) }
    put(byte)
    return self
  }

  /// Ends the line.
  @discardableResult
  public func newline() -> Console { byte(0x0A) }

  /// `text`, filled with spaces to `width` on the right.
  @discardableResult
  public func text(_ text: StaticString, width: UInt32 = 0) -> Console {
    let length = UInt32(truncatingIfNeeded: text.utf8CodeUnitCount)
    for index in 0..<length { byte(text.utf8Start[Int(index)]) }
    return spaces(width > length ? width &- length : 0)
  }

  /// `text` and the end of the line.
  @discardableResult
  public func line(_ text: StaticString = "") -> Console { self.text(text).newline() }

  /// `count` spaces.
  @discardableResult
  public func spaces(_ count: UInt32) -> Console { fill(0x20, count) }

  /// `character` `count` times.
  @discardableResult
  public func fill(_ character: UInt8, _ count: UInt32) -> Console {
    for _ in 0..<count { byte(character) }
    return self
  }

  /// `value` in decimal, right-aligned in `width` columns.
  @discardableResult
  public func decimal(_ value: UInt32, width: UInt32 = 1) -> Console {
    var divisor: UInt32 = 1
    var digits: UInt32 = 1
    while value / divisor > 9 {
      divisor &*= 10
      digits += 1
    }
    spaces(width > digits ? width &- digits : 0)
    var rest = value
    while divisor > 0 {
      byte(0x30 &+ UInt8(truncatingIfNeeded: rest / divisor))
      rest %= divisor
      divisor /= 10
    }
    return self
  }

  /// `value` in lower-case hexadecimal, `digits` digits.
  @discardableResult
  public func hexadecimal(_ value: UInt32, digits: UInt32) -> Console {
    hexadecimal(UInt64(value), digits: digits)
  }

  /// `value` in lower-case hexadecimal, `digits` digits; those beyond 16 are zeros.
  @discardableResult
  public func hexadecimal(_ value: UInt64, digits: UInt32) -> Console {
    var position = digits
    while position > 0 {
      position -= 1
      let digit = position < 16 ? UInt8(truncatingIfNeeded: value &>> (UInt64(position) &* 4)) & 15 : 0
      byte(digit < 10 ? 0x30 &+ digit : 0x57 &+ digit)
    }
    return self
  }

  /// The NUL-terminated string in kernel memory at `address`, at most `limit` bytes of it.
  @discardableResult
  public func string(at address: KernelAddress, limit: UInt32) -> Console {
    for index in 0..<limit {
      let character = hardware.load8(address + index)
      if character == 0 { break }
      byte(character)
    }
    return self
  }

  /// A number of pages as KiB, MiB or GiB, with one decimal where it is not a whole number, right-aligned.
  @discardableResult
  public func pages(_ pages: UInt32, width: UInt32) -> Console {
    if pages < 1 << 8 { return decimal(pages &* 4, width: width &- 4).text(" KiB") }
    let shift: UInt32 = pages < 1 << 18 ? 8 : 18
    let unit: UInt32 = 1 << shift
    let whole = pages & (unit &- 1) == 0
    decimal(pages / unit, width: width &- 4 &- (whole ? 0 : 2))
    if !whole { byte(0x2E).decimal((pages & (unit &- 1)) &* 10 / unit) }
    return text(shift == 8 ? " MiB" : " GiB")
  }

  // MARK: Colour, when the command line asks for it

  /// Switches to `style` with an ANSI escape sequence, if colours are on.
  @discardableResult
  public func style(_ style: ConsoleStyle) -> Console {
    if flags & Self.colourFlag == 0 { return self }
    return text("\u{1B}[").text(style.code).text("m")
  }

  /// A section's heading: a title in a rule of 80 columns, an empty line before it.
  @discardableResult
  public func heading(_ title: StaticString) -> Console {
    let length = UInt32(truncatingIfNeeded: title.utf8CodeUnitCount)
    newline().style(.heading).text("-- ").text(title).text(" ")
    return fill(0x2D, 76 &- min(length, 76)).style(.plain).newline()
  }
}

/// How a piece of text looks on a terminal with colours.
public enum ConsoleStyle: Sendable {
  case plain, heading, good, bad

  var code: StaticString {
    switch self {
    case .plain: "0"
    case .heading: "1;36"
    case .good: "1;32"
    case .bad: "1;31"
    }
  }
}

/// The registers of the first serial port.
private enum SerialPort {
  static let data: UInt16 = 0x3F8
  static let interruptEnable: UInt16 = 0x3F9
  static let fifoControl: UInt16 = 0x3FA
  static let lineControl: UInt16 = 0x3FB
  static let modemControl: UInt16 = 0x3FC
  static let lineStatus: UInt16 = 0x3FD
}

extension Kernel {
  /// The console on the first serial port.
  public var console: Console<HW> { Console(hardware: hardware) }

  /// Sets what the console does, from the saved command line: the word `color` turns colours on.
  public func startConsole() {
    self[word: KernelVariable.consoleFlags] = commandLineContains("color") ? Console<HW>.colourFlag : 0
    console.start()
  }

  /// Throws console output away, or shows it again: for code that expects reports.
  public func muteConsole(_ muted: Bool) {
    let flags = self[word: KernelVariable.consoleFlags] & ~Console<HW>.mutedFlag
    self[word: KernelVariable.consoleFlags] = muted ? flags | Console<HW>.mutedFlag : flags
  }
}
