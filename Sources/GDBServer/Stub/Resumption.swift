/// How gdb wants the guest to go on.
enum Resumption: Hashable {
  case run
  case step
  /// Steps as long as EIP is in the range, at least one.
  case steps(Range<UInt32>)
  case stepBack
  case runBack
  /// Stays where it is.
  case stop

  /// The action of a `vCont` packet for our thread, from behind its name on; nil for one that is not understood.
  static func vCont(_ scanner: PacketScanner) -> Resumption? {
    var scanner = scanner
    while scanner.take(";") {
      var action = PacketScanner(scanner.field(until: ";"))
      // What follows is the next action: its separator has been taken.
      if !scanner.isAtEnd { scanner = PacketScanner([UInt8(ascii: ";")] + scanner.remaining) }
      guard let (resumption, isOurs) = self.action(&action) else { return nil }
      if isOurs { return resumption }
    }
    return nil
  }

  private static func action(_ scanner: inout PacketScanner) -> (Resumption, isOurs: Bool)? {
    let resumption: Resumption
    if scanner.take("c") {
      resumption = .run
    } else if scanner.take("s") {
      resumption = .step
    } else if scanner.take("C") {
      // The signal has no receiver: a guest's faults are its own.
      guard scanner.hexadecimal(UInt8.self) != nil else { return nil }
      resumption = .run
    } else if scanner.take("S") {
      guard scanner.hexadecimal(UInt8.self) != nil else { return nil }
      resumption = .step
    } else if scanner.take("t") {
      resumption = .stop
    } else if scanner.take("r") {
      guard let start = scanner.hexadecimal(UInt32.self), scanner.take(","),
        let end = scanner.hexadecimal(UInt32.self), start <= end
      else { return nil }
      resumption = .steps(start..<end)
    } else {
      return nil
    }
    guard scanner.take(":") else { return scanner.isAtEnd ? (resumption, true) : nil }
    guard let isOurs = ThreadID.isOurs(&scanner) else { return nil }
    return (resumption, isOurs)
  }
}

/// Threads as gdb names them: one for each processor, from 1 on.
enum ThreadID {
  /// Whether the thread that comes next is ours, or any, or all; nil for what is no thread.
  static func isOurs(_ scanner: inout PacketScanner) -> Bool? {
    if scanner.take("p") {
      guard scanner.take("-1") || scanner.hexadecimal(UInt32.self) != nil else { return nil }
      guard scanner.take(".") else { return scanner.isAtEnd ? true : nil }
    }
    if scanner.take("-1") { return scanner.isAtEnd ? true : nil }
    guard let number = scanner.hexadecimal(UInt32.self), scanner.isAtEnd else { return nil }
    return number <= 1
  }
}
