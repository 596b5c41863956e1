import IA32

/// Where the processor stood when a run ended.
struct GuestPosition: Hashable {
  var eip: UInt32
  /// The symbol around `eip`, such as "kernel_main+0x14"; nil if the image names none.
  var symbol: String?
  var cycle: UInt64

  /// Such as "00100014 kernel_main+0x14, cycle 1234".
  var description: String {
    let place = [hexadecimal(UInt64(eip), digits: 8), symbol].compactMap(\.self).joined(separator: " ")
    return "\(place), cycle \(cycle)"
  }
}

/// How a run ended.
enum RunOutcome: Hashable {
  /// The guest wrote this value to its exit device.
  case exited(UInt8)
  case tripleFault(PostMortem)
  /// The person at the keyboard stopped it.
  case interrupted(GuestPosition)
  /// `--max-cycles` was reached.
  case cycleLimit(GuestPosition)
  /// HLT with nothing left that could interrupt it.
  case halted(GuestPosition)
  /// Through the keyboard controller or port 92h.
  case reset(GuestPosition)
  /// With `--check stale=stop`.
  case usedStaleTranslation(GuestPosition)
  /// Whoever observed the run had seen enough.
  case observerHasEnough(GuestPosition)
  /// An audit found these invariants of the guest's kernel broken.
  case violated([String], GuestPosition)

  var exitStatus: Int32 {
    switch self {
    case .exited(let value): Int32(value)
    case .tripleFault: ExitStatus.tripleFault
    case .interrupted: ExitStatus.interrupted
    case .cycleLimit: ExitStatus.cycleLimit
    case .halted: ExitStatus.halted
    case .reset: ExitStatus.reset
    case .usedStaleTranslation: ExitStatus.stale
    case .observerHasEnough: ExitStatus.success
    case .violated: ExitStatus.violated
    }
  }

  /// What to say on standard error; nil for a guest that ended as it meant to.
  var message: String? {
    switch self {
    case .exited, .observerHasEnough: nil
    case .tripleFault(let postMortem): postMortem.description
    case .interrupted(let position): "pagewalk: stopped at \(position.description)\n"
    case .cycleLimit(let position): "pagewalk: cycle limit reached at \(position.description)\n"
    case .halted(let position): "pagewalk: halted for good at \(position.description)\n"
    case .reset(let position): "pagewalk: reset by the guest at \(position.description)\n"
    case .usedStaleTranslation(let position):
      "pagewalk: stopped at the stale translation, \(position.description)\n"
    case .violated(let sentences, let position):
      "pagewalk: audit failed at \(position.description)\n" + sentences.map { "  \($0)\n" }.joined()
    }
  }
}

/// What is left of a processor after a triple fault: an exception, a second one while it was delivered, and a third
/// while the double fault was. SDM vol. 3A, 6.15, interrupt 8.
struct PostMortem: Hashable, CustomStringConvertible {
  var position: GuestPosition
  /// The faults in sentences, the entries that page faults ended at among them.
  var explanation: [String]
  var cr0: UInt32
  var cr2: UInt32
  var cr3: UInt32
  var cr4: UInt32

  var description: String {
    var lines = ["pagewalk: triple fault at \(position.description)"]
    lines += explanation.map { "  " + $0 }
    let registers = [("CR0", cr0), ("CR2", cr2), ("CR3", cr3), ("CR4", cr4)]
    lines.append(
      "  " + registers.map { "\($0) \(hexadecimal(UInt64($1), digits: 8))" }.joined(separator: "  "))
    return lines.map { $0 + "\n" }.joined()
  }
}
