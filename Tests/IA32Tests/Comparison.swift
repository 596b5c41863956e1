@testable import IA32

/// One instruction as we and objdump see it.
struct Comparison {
  let mode: DecodeMode
  let address: UInt32
  /// The bytes from the instruction's first on: 15, or as many as there are.
  let bytes: [UInt8]
  let result: DecodeResult
  let theirLength: Int
  /// objdump's text, without trailing blanks.
  let theirText: String

  init(line: Objdump.Line, following bytes: [UInt8], mode: DecodeMode) {
    self.mode = mode
    self.address = line.address
    self.bytes = bytes
    self.result = bytes.withUnsafeBytes { Decoder.decode($0, mode: mode) }
    self.theirLength = line.bytes.count
    self.theirText = String(line.text.reversed().drop { $0 == " " }.reversed())
  }

  var instruction: Instruction? {
    if case .instruction(let instruction) = result { instruction } else { nil }
  }

  var isUndefined: Bool {
    if case .undefined = result { true } else { false }
  }

  var ourText: String {
    switch result {
    case .instruction(let instruction): Disassembler.text(instruction, at: address)
    case .incomplete: "(incomplete)"
    case .undefined: "(undefined)"
    case .tooLong: "(too long)"
    }
  }

  /// Length and text agree to the letter, or both find no instruction.
  var agreesExactly: Bool {
    if isUndefined { return theirText.contains("(bad)") }
    return instruction.map { Int($0.length) == theirLength } == true && ourText == theirText
  }

  /// Length and text agree once ``Spelling`` has taken away what isn't the instruction's.
  var agreesInSubstance: Bool {
    guard let instruction, Int(instruction.length) == theirLength else { return false }
    let ours = Spelling.parted(ourText)
    let theirs = Spelling.parted(Spelling.normalised(theirText))
    return ours.body == theirs.body && ours.prefixes.isSubset(of: theirs.prefixes)
  }

  /// Length and mnemonic agree.
  var agreesInMnemonic: Bool {
    guard let instruction, Int(instruction.length) == theirLength else { return false }
    return Spelling.parted(ourText).body.prefix { $0 != " " } == theirMnemonic
  }

  static let prefixBytes: Set<UInt8> = [0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65, 0x66, 0x67, 0xF0, 0xF2, 0xF3]

  /// The bytes from the opcode on.
  var afterPrefixes: ArraySlice<UInt8> { bytes.drop { Self.prefixBytes.contains($0) } }

  /// The prefix bytes.
  var prefixes: ArraySlice<UInt8> { bytes.prefix { Self.prefixBytes.contains($0) } }

  /// The opcode, 0Fxx for two bytes, and the byte after it.
  var opcode: (code: UInt16, next: UInt8) {
    let rest = Array(afterPrefixes.prefix(3)) + [0, 0, 0]
    return rest[0] == 0x0F ? (0x0F00 | UInt16(rest[1]), rest[2]) : (UInt16(rest[0]), rest[1])
  }

  /// The first word of objdump's text that isn't a prefix.
  var theirMnemonic: String { String(Spelling.parted(theirText).body.prefix { $0 != " " }) }

  var description: String {
    let hex = bytes.prefix(max(theirLength, instruction.map { Int($0.length) } ?? 1))
      .map { hexadecimal(UInt64($0), digits: 2) }.joined(separator: " ")
    return "\(mode) [\(hex)]: ours '\(ourText)', objdump's '\(theirText)' (\(theirLength) bytes)"
  }
}

/// What objdump writes of the encoding and not of the instruction, and we leave out.
enum Spelling {
  /// Printed in front of an instruction that they don't change. `lock` and the repetitions that we print must be among them.
  static let prefixWords: Set<Substring> = [
    "addr16", "addr32", "data16", "data32", "cs", "ds", "es", "ss", "fs", "gs", "rep", "repz", "repnz",
    "lock",
    "xacquire", "xrelease", "notrack", "bnd",
  ]

  /// Remarks, taken away where they occur.
  static let removed = ["(8087 only)", "(287 only)"]

  /// `text` with the words in front taken off.
  static func parted(_ text: String) -> (prefixes: Set<Substring>, body: String) {
    var words = text.split(separator: " ", omittingEmptySubsequences: true)[...]
    var prefixes: Set<Substring> = []
    while words.count > 1, let word = words.first, prefixWords.contains(word) {
      prefixes.insert(word)
      words.removeFirst()
    }
    return (prefixes, words.joined(separator: " "))
  }

  /// `text` without "ds:" and the like.
  static func withoutSegments(_ text: String) -> String {
    ["es:", "cs:", "ss:", "ds:", "fs:", "gs:"].reduce(text) { $0.replacing($1, with: "") }
  }

  /// objdump's text without what only the encoding shows.
  static func normalised(_ text: String) -> String {
    var text = text
    for words in removed {
      if let range = text.firstRange(of: words) { text.removeSubrange(range) }
    }
    if let range = text.firstRange(of: "+0x0]") { text.replaceSubrange(range, with: "]") }
    guard let range = text.firstRange(of: "eiz*") else { return text }
    // A SIB byte without an index: "[ebp+eiz*2+0x4]", or without a base too, "[eiz*2-0x4]".
    let end = text.index(range.upperBound, offsetBy: 1)
    if text[text.index(before: range.lowerBound)] == "+" {
      text.removeSubrange(text.index(before: range.lowerBound)..<end)
      return text
    }
    let close = text[end...].firstIndex(of: "]") ?? text.endIndex
    let negative = text[end...].hasPrefix("-")
    let digits = text[end..<close].drop { $0 == "+" || $0 == "-" }.dropFirst(2)
    let value = UInt32(digits, radix: 16) ?? 0
    let address = "0x" + String(negative ? 0 &- value : value, radix: 16)
    let open = text.index(before: range.lowerBound)
    let hasSegment = open > text.startIndex && text[text.index(before: open)] == ":"
    text.replaceSubrange(open..<text.index(after: close), with: hasSegment ? address : "ds:" + address)
    return text
  }
}
