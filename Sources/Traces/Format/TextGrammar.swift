import Emulator

/// Reads lines of a text trace, byte by byte and without strings: the schema's names in plain memory.
final class TextGrammar: Sendable {
  static let shared = TextGrammar()

  /// A name, in memory that is never freed.
  struct Word: Sendable {
    nonisolated(unsafe) let bytes: UnsafePointer<UInt8>
    let count: Int

    init(_ text: String) {
      let bytes = Array(text.utf8)
      let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: max(bytes.count, 1))
      memory.initialize(repeating: 0, count: max(bytes.count, 1))
      for (index, byte) in bytes.enumerated() { memory[index] = byte }
      self.bytes = UnsafePointer(memory)
      count = bytes.count
    }
  }

  struct Field: Sendable {
    enum Form: Sendable { case decimal, hexadecimal, word, flags, character }

    let name: Word
    let form: Form
    /// The words, or one with the letters of flags.
    let words: [Word]

    init(_ field: EventField) {
      // With the "=", which a longer name doesn't have there.
      name = Word(field.name + "=")
      switch field.form {
      case .decimal: (form, words) = (.decimal, [])
      case .hexadecimal: (form, words) = (.hexadecimal, [])
      case .word(let names): (form, words) = (.word, names.map(Word.init))
      case .flags(let letters): (form, words) = (.flags, [Word(letters)])
      case .character: (form, words) = (.character, [])
      }
    }
  }

  struct Kind: Sendable {
    let kind: EventKind
    let name: Word
    let fields: [Field]
    let required: UInt16
  }

  /// What stands behind the fields of every kind.
  private enum Common: Int, CaseIterable {
    case eip, base, processor, instruction, cycle, duration

    var name: String {
      switch self {
      case .eip: "eip"
      case .base: "cs-base"
      case .processor: "processor"
      case .instruction: "instruction"
      case .cycle: "cycle"
      case .duration: "cycles"
      }
    }
  }

  private let kinds: [Kind]
  private let common: [Word]
  private let beforePlace = Word(TextLayout.beforePlace)

  private init() {
    kinds = EventKind.allCases.map { kind in
      Kind(
        kind: kind, name: Word(kind.name + " "), fields: EventSchema.fields(of: kind).map(Field.init),
        required: EventSchema.requiredFields[Int(kind.rawValue)])
    }
    common = Common.allCases.map { Word($0.name + "=") }
  }

  /// The event that a line stands for, and where in the line its place begins (at its end, where there is none). nil for a line
  /// that `TextLayout.line` doesn't write.
  func parse(_ line: UnsafeRawBufferPointer) -> (event: TraceEvent, place: Int)? {
    guard let base = line.baseAddress else { return nil }
    var text = Cursor(base: base.assumingMemoryBound(to: UInt8.self), end: line.count)
    guard let kind = kinds.first(where: { text.skip($0.name) }) else { return nil }
    var event = TraceEvent(
      kind: kind.kind, moment: EventMoment(cycle: 0, instruction: 0, eip: 0, linear: 0))
    var isLast = false
    for index in kind.fields.indices where !isLast {
      guard text.skip(kind.fields[index].name) else { continue }
      guard let value = text.value(kind.fields[index]), let hasMore = text.endOfWord(beforePlace) else {
        return nil
      }
      event.set(index, value)
      isLast = !hasMore
    }
    guard event.present & kind.required == kind.required else { return nil }
    var csBase: UInt32 = 0
    for name in Common.allCases where !isLast {
      guard text.skip(common[name.rawValue]) else { continue }
      let isHexadecimal = name == .eip || name == .base
      guard let value = isHexadecimal ? text.hexadecimal() : text.decimal(),
        let hasMore = text.endOfWord(beforePlace)
      else { return nil }
      isLast = !hasMore
      switch name {
      case .eip, .base:
        guard let address = UInt32(exactly: value) else { return nil }
        if name == .eip { event.moment.eip = address } else { csBase = address }
      case .processor:
        guard let number = UInt8(exactly: value) else { return nil }
        event.moment.processor = number
      case .instruction: event.moment.instruction = value
      case .cycle: event.moment.cycle = value
      case .duration:
        guard kind.kind == .walk else { return nil }
        event.duration = value
      }
    }
    guard isLast else { return nil }
    event.moment.linear = event.moment.eip &+ csBase
    return (event, text.position)
  }
}

/// A place in a line. Nothing behind the line's end is looked at.
private struct Cursor {
  let base: UnsafePointer<UInt8>
  let end: Int
  var position = 0

  init(base: UnsafePointer<UInt8>, end: Int) {
    self.base = base
    self.end = end
  }

  /// Goes past `word` if it is there.
  @inline(__always)
  mutating func skip(_ word: TextGrammar.Word) -> Bool {
    let count = word.count
    guard end &- position >= count else { return false }
    let here = base + position
    for index in 0..<count where here[index] != word.bytes[index] { return false }
    position &+= count
    return true
  }

  /// Goes past the blank behind a value, or past `beforePlace`. Whether another value follows; nil where something else stands.
  @inline(__always)
  mutating func endOfWord(_ beforePlace: TextGrammar.Word) -> Bool? {
    if position == end || skip(beforePlace) { return false }
    guard base[position] == 0x20 else { return nil }
    position &+= 1
    return true
  }

  private var isAtEnd: Bool { position == end || base[position] == 0x20 }

  mutating func value(_ field: TextGrammar.Field) -> UInt64? {
    switch field.form {
    case .decimal: return decimal()
    case .hexadecimal: return hexadecimal()
    case .word:
      let start = position
      for index in field.words.indices {
        if skip(field.words[index]), isAtEnd { return UInt64(index) }
        position = start
      }
      return decimal()
    case .flags:
      var value: UInt64 = 0
      let letters = field.words[0]
      guard end &- position >= letters.count else { return nil }
      for bit in 0..<letters.count {
        let byte = base[position &+ bit]
        if byte == letters.bytes[bit] { value |= 1 << UInt64(bit) } else if byte != 0x2d { return nil }
      }
      position &+= letters.count
      return value
    case .character:
      if end &- position >= 3, base[position] == 0x27, base[position + 2] == 0x27 {
        defer { position &+= 3 }
        return UInt64(base[position + 1])
      }
      return hexadecimal()
    }
  }

  /// One digit and more; nil for none, and for a number beyond 64 bits.
  @inline(__always)
  mutating func hexadecimal() -> UInt64? {
    var value: UInt64 = 0
    let start = position
    while position < end {
      let byte = base[position]
      let digit: UInt8
      switch byte {
      case 0x30...0x39: digit = byte &- 0x30
      case 0x61...0x66: digit = byte &- 0x57
      default: return position > start ? value : nil
      }
      guard value >> 60 == 0 else { return nil }
      value = value &<< 4 | UInt64(digit)
      position &+= 1
    }
    return position > start ? value : nil
  }

  /// One digit and more; nil for none, and for a number beyond 64 bits.
  @inline(__always)
  mutating func decimal() -> UInt64? {
    var value: UInt64 = 0
    let start = position
    while position < end {
      let byte = base[position]
      guard byte >= 0x30, byte <= 0x39 else { break }
      let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = tens.addingReportingOverflow(UInt64(byte &- 0x30))
      guard !overflow, !carry else { return nil }
      value = sum
      position &+= 1
    }
    return position > start ? value : nil
  }
}
