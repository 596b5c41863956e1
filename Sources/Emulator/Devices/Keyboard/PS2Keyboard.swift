/// A PS/2 keyboard: what it answers to commands, and what its keys send. A value, part of the controller's state.
///
/// IBM PS/2 Hardware Interface Technical Reference, "Keyboard", 1990: commands EDh to FFh and scan code sets 1 and 2 (set 3 is
/// refused). What a person types waits on the person's side until the keyboard has sent what was before, so nothing is lost; a
/// guest that resets the keyboard gets it afterwards.
struct PS2Keyboard: Sendable, Equatable, Codable {
  /// Keys still to be sent, in their order.
  private var typed: [KeyStroke] = []
  /// Bytes of answers and of the key that is being sent.
  private var sending: [UInt8] = []
  private var isScanning = true
  private var set: UInt8 = 2
  /// The command whose parameter comes next.
  private var awaited: UInt8?

  /// Whether there is something for the controller.
  var hasByte: Bool { !sending.isEmpty || isScanning && !typed.isEmpty }

  /// The next byte for the controller; nil where there is none.
  mutating func nextByte() -> UInt8? {
    if sending.isEmpty, isScanning, !typed.isEmpty { sending = typed.removeFirst().bytes(inSet: set) }
    return sending.isEmpty ? nil : sending.removeFirst()
  }

  /// Whether a keyboard can be in this state.
  var isPossible: Bool { (set == 1 || set == 2) && typed.allSatisfy { $0.code <= KeyStroke.maxCode } }

  /// A person presses and releases keys, so that these characters come.
  mutating func type(_ characters: [UInt8]) { typed += KeyStroke.strokes(typing: characters) }

  /// The same keyboard after power-on, with what a person has typed.
  mutating func reset() {
    let waiting = typed
    self = PS2Keyboard()
    typed = waiting
  }

  /// The host sends a byte.
  mutating func receive(_ value: UInt8) {
    if let command = awaited {
      awaited = nil
      if takeParameter(value, of: command) { return }
    }
    switch value {
    case 0xED, 0xF0, 0xF3:
      awaited = value
      answer([0xFA])
    case 0xEE: answer([0xEE])
    // Identification: a keyboard of the PS/2.
    case 0xF2: answer([0xFA, 0xAB, 0x83])
    case 0xF4:
      isScanning = true
      answer([0xFA])
    case 0xF5:
      isScanning = false
      answer([0xFA])
    case 0xF6:
      isScanning = true
      set = 2
      answer([0xFA])
    case 0xFF:
      reset()
      // Acknowledged, and the self-test passed.
      answer([0xFA, 0xAA])
    default: answer([0xFE])
    }
  }

  /// Whether `value` was a parameter; a command in its place is one.
  private mutating func takeParameter(_ value: UInt8, of command: UInt8) -> Bool {
    guard value < 0xED else { return false }
    switch (command, value) {
    case (0xF0, 0): answer([0xFA, set])
    case (0xF0, 1...2):
      set = value
      answer([0xFA])
    case (0xF0, _): answer([0xFE])
    // Lights and the repetition of keys show nowhere.
    default: answer([0xFA])
    }
    return true
  }

  /// An answer takes the place of what was being sent.
  private mutating func answer(_ bytes: [UInt8]) { sending = bytes }
}
