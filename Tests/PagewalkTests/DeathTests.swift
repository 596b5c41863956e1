import Foundation
import Testing

/// The guests of images/deaths: each dies of one mistake, and the end-of-run message names it.
@Suite("Deaths explained")
struct DeathTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  private func image(_ name: String) -> String {
    Self.root.appending(path: ".build/images/deaths/\(name).elf").path
  }

  /// What `pagewalk run` says of a guest on standard error.
  private func run(_ name: String, _ options: String..., status: Int32 = 3) throws -> String {
    let result = try CommandLineTests().pagewalk(["run", "--memory", "16M"] + options + [image(name)])
    #expect(result.status == status, "\(result.error)")
    return result.error
  }

  static let deaths: [(String, [String])] = [
    (
      "no-idt",
      [
        "first: #UD of the instruction at", "UD2 (0f 0b)",
        "no LIDT was executed: IDTR still is what the boot left, base 00000000 and limit ffff",
        "entry 6 of the IDT, at 00000030, is f000e021f000e021: not a gate, its type is 0",
        "on the way into the handler of #UD",
      ]
    ),
    (
      "long-mode",
      [
        "#GP(0000) of the instruction at", "enter_long_mode",
        "WRMSR EFER: bit 8 (LME) is reserved, this processor has no long mode",
      ]
    ),
    (
      "sse",
      [
        "XORPS (0f 57 c0) belongs to SSE, CPUID.1:EDX bit 25: this processor lacks it, the Pentium III has it",
        "build with -mno-sse",
      ]
    ),
    (
      "bad-pdpte",
      [
        "loads PDPTE[1], which is", "present, with the reserved bit 1 set  [SDM 3A 4.4.1]", "load_pointers",
      ]
    ),
    ("nx-in-pde", ["a supervisor fetch at 40000000", "the cause: PDE[0] has NX (bit 63) set"]),
    (
      "widened-right",
      [
        "#PF(0003) of the instruction at", "the cause: the DTLB 4K entry filled at cycle",
        "did not allow writing, and memory, which was widened at cycle ", " widen (",
        "does  [SDM 3A 4.10.4.3]",
        "it takes a handler that returns, or INVLPG 40000000 after the change",
      ]
    ),
    (
      "guard-page",
      [
        "first: #PF(0002)", "second: #PF(0002)", "on the way into the handler of #PF", "third: #DF(0000)",
        "fourth: #PF(0002)", "on the way into the handler of #DF", "the push of #PF's frame at",
        "guard+0x", "and the slot below it is not mapped", "called from", "recurse+",
      ]
    ),
  ]

  @Test(arguments: deaths) func theCauseIsNamed(_ name: String, _ sentences: [String]) throws {
    let text = try run(name)
    for sentence in sentences { #expect(text.contains(sentence), "\(sentence)\n\(text)") }
    for register in ["EAX ", "ESP ", "EFLAGS ", "CR3 ", "ESP is "] {
      #expect(text.contains(register), "\(text)")
    }
  }

  /// Where the stores to page tables are followed, the one that widened the right is named.
  @Test func theWideningIsNamedWhereItIsKnown() throws {
    let text = try run("widened-right", "--check", "stale=warn")
    #expect(text.contains("which was widened at cycle "), "\(text)")
    #expect(text.contains(" widen "), "\(text)")
    let debugger = try debug("widened-right", "c\nexplain fault\n")
    #expect(debugger.contains("which was widened at cycle "), "\(debugger)")
    #expect(debugger.contains(" widen "), "\(debugger)")
  }

  @Test func theFirstStoreIsNamedBesideTheLast() throws {
    let text = try run("replaced-table", "--check", "stale=warn", status: 8)
    let lines = text.split(separator: "\n").map(String.init)
    #expect(lines.contains { $0.hasPrefix("  first    PDE at ") && $0.contains(" unmap ") }, "\(text)")
    #expect(lines.contains { $0.hasPrefix("  store    PTE at ") && $0.contains(" reuse ") }, "\(text)")
  }

  @Test func theDebuggerKnowsTheAddressAfterATripleFault() throws {
    let text = try debug("nx-in-pde", "c\np $va\n")
    #expect(text.contains("0x40000000 = 1073741824"), "\(text)")
  }

  /// A guest's exit value 3 and a triple fault have one status and two endings.
  @Test func endingsAreToldApart() throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "pagewalk-\(UUID().uuidString).json")
    defer { try? FileManager.default.removeItem(at: file) }
    _ = try run("no-idt", "--stats-file", file.path)
    let death = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
    let ending = try #require(death["ending"] as? [String: Any])
    #expect(ending["reason"] as? String == "triple-fault")
    #expect(death["status"] as? Int == 3)
    #expect(death["machine"] as? String == "p6")
    #expect((death["image"] as? String)?.hasSuffix("no-idt.elf") == true)
    #expect((death["instructions"] as? Int ?? 0) > 20)
    let result = try CommandLineTests().guest(
      [0xB0, 3, 0xE6, 0xF4, 0xF4], "--stats-file", file.path, "--quiet")
    #expect(result.status == 3 && result.error == "")
    let exit = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
    #expect((exit["ending"] as? [String: Any])?["reason"] as? String == "exit")
    #expect((exit["ending"] as? [String: Any])?["value"] as? Int == 3)
  }

  private func debug(_ name: String, _ commands: String) throws -> String {
    let input = Pipe()
    try input.fileHandleForWriting.write(contentsOf: Data(commands.utf8))
    try input.fileHandleForWriting.close()
    return try CommandLineTests().pagewalk(
      ["debug", "--memory", "16M", image(name)], input: input.fileHandleForReading
    ).output
  }
}
