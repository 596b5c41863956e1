import Glibc

/// The demangler inside Swift's own runtime library, the one that names frames in backtraces. Returns memory from
/// `malloc`, or nil when the name is not a Swift name.
@_extern(c, "swift_demangle")
private func runtimeDemangle(
  _ name: UnsafePointer<CChar>?, _ length: Int, _ buffer: UnsafeMutablePointer<CChar>?,
  _ bufferSize: UnsafeMutablePointer<Int>?, _ flags: UInt32
) -> UnsafeMutablePointer<CChar>?

/// Mangled names longer than this, in bytes, are shown as they are.
private let maxMangledNameLength = 1024

/// Mangled names with more back references than this are shown as they are.
///
/// A type that names an earlier type twice doubles, so a name made for it grows by up to a factor of 3 with every
/// third reference: 182 bytes were seen to become 59 MB. 36 references keep the worst below some 20 MB; names that
/// compilers make have a handful.
private let maxBackReferences = 36

/// `name` as Swift source would spell it, or nil if it isn't a mangled Swift name or would grow beyond reason.
///
/// Covers the stable mangling (`$s`) and that of Embedded Swift (`$e`), in which guests are written.
public func demangle(_ name: String) -> String? {
  guard name.hasPrefix("$s") || name.hasPrefix("$e") || name.hasPrefix("$S") else { return nil }
  guard name.utf8.count <= maxMangledNameLength else { return nil }
  guard backReferences(in: Array(name.utf8)) <= maxBackReferences else { return nil }
  var name = name
  let demangled = name.withUTF8 { utf8 in
    utf8.withMemoryRebound(to: CChar.self) { runtimeDemangle($0.baseAddress, $0.count, nil, nil, 0) }
  }
  guard let demangled else { return nil }
  defer { free(demangled) }
  let text = String(cString: demangled)
  return text == name ? nil : text
}

/// How many earlier types a mangled name refers back to, counted from its text alone and rather too high than too low.
///
/// A reference is `A`, any number of small letters, each a reference, and a capital or `_` that ends the run; a number
/// in front of a letter repeats it. Identifiers, which a number of their length precedes, are passed over; a number
/// with `_` behind it is an index and precedes nothing. (Swift's docs/ABI/Mangling.rst, "Substitutions".)
func backReferences(in name: [UInt8]) -> Int {
  var count = 0
  var position = 0

  func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
  func isSmall(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte) }
  /// The number at the position; it never exceeds the longest name, so that sums stay small.
  func number() -> Int {
    var value = 0
    while position < name.count, isDigit(name[position]) {
      value = min(value * 10 + Int(name[position] - 0x30), 1 << 16)
      position += 1
    }
    return value
  }

  while position < name.count {
    let byte = name[position]
    if byte == UInt8(ascii: "A") {
      position += 1
      var isLast = false
      while position < name.count, !isLast {
        let repeats = isDigit(name[position]) ? number() : 1
        guard position < name.count else { break }
        isLast = !isSmall(name[position])
        // A number before `_` says which type, not how often.
        count += name[position] == UInt8(ascii: "_") ? 1 : max(repeats, 1)
        position += 1
      }
    } else if byte == UInt8(ascii: "0"), position + 1 < name.count, name[position + 1] != UInt8(ascii: "_") {
      // Words of earlier identifiers: small letters and a capital.
      position += 1
      while position < name.count, isSmall(name[position]) { position += 1 }
      if position < name.count, !isDigit(name[position]) { position += 1 }
    } else if isDigit(byte) {
      let length = number()
      if position < name.count, name[position] != UInt8(ascii: "_") { position += length }
    } else {
      position += 1
    }
  }
  return count
}
