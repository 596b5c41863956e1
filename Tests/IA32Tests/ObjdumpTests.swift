import Testing
@testable import IA32

@Suite struct ObjdumpTests {
  @Test(arguments: ["i386", "i8086"])
  func explore(machine: String) throws {
    var rc = RandomCode(seed: 1)
    let code = rc.bytes(count: 600_000)
    let lines = try Objdump.lines(code: code, machine: machine)
    var counts: [String: (Int, String)] = [:]
    for line in lines where Int(line.address) + 16 <= code.count {
      let r = code[Int(line.address)..<(Int(line.address) + 15)].withUnsafeBytes { Decoder.decode($0, mode: machine == "i386" ? .bits32 : .bits16) }
      var ours = "", len = 0
      switch r {
      case .instruction(let i): ours = Disassembler.text(i, at: line.address); len = Int(i.length)
      case .undefined: ours = "(undefined)"
      case .incomplete: ours = "(incomplete)"
      case .tooLong: ours = "(toolong)"
      }
      let theirs = line.text.split(separator: " ").joined(separator: " ")
      let o = ours.split(separator: " ").joined(separator: " ")
      if o == theirs && len == line.bytes.count { counts["same", default: (0, "")].0 += 1; continue }
      let key = (len == line.bytes.count ? "text " : "LEN ") + (o.split(separator: " ").first ?? "") + " | " + theirs.split(separator: " ").prefix(2).joined(separator: " ").prefix(14)
      counts[key, default: (0, "")].0 += 1
      counts[key]!.1 = "\(line.bytes.map { String($0, radix: 16) }.joined(separator: " "))  \(o) | \(theirs)"
    }
    print(lines.count)
    for (k, v) in counts.sorted(by: { $0.value.0 > $1.value.0 }) { print(machine, k, v.0, v.1, separator: " ## ") }
  }
}
