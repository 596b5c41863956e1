import Testing

@testable import GDBServer

@Suite("Monitor commands")
struct MonitorTests {
  @Test("QEMU's spellings answer in QEMU's formats")
  func spellings() throws {
    let client = try Guests.code(Guests.short)
    #expect(client.monitor("info mem") == "PG disabled\n")
    #expect(client.monitor("info tlb") == "PG disabled\n")
    #expect(client.monitor("gva2gpa 0x100020") == "gpa: 0x100020\n")
    #expect(client.monitor("gpa2hva 0").hasPrefix("gpa2hva: "))
    #expect(client.monitor("xp /2xw 0x100020") == "0000000000100020: 0x000005b8 0x2000a300\n")
    #expect(client.monitor("xp/9xb 0x100020").split(separator: "\n").count == 2)
    #expect(client.monitor("xp/q 0") == "invalid char in format: 'q'\n")
    let registers = client.monitor("info registers").split(separator: "\n")
    #expect(registers.first?.hasPrefix("EAX=00000000 EBX=") == true)
    #expect(registers.contains { $0.hasPrefix("CR0=60000010 ") })
    #expect(registers.contains { $0.hasPrefix("FCW=0040 FSW=0000 [ST=0] FTW=ff MXCSR=00001f80") })
    #expect(registers.contains("FPR0=0000000000000000 0000 FPR1=0000000000000000 0000"))
    #expect(registers.contains { $0.hasPrefix("XMM06=") && $0.contains(" XMM07=") })
  }

  @Test("All else is the shell's, with its complaints, and so is what 'pw' stands before")
  func shell() throws {
    let client = try Guests.code(Guests.short)
    #expect(client.monitor("print 6 * 7").contains("42"))
    #expect(client.monitor("pw info registers").contains("eflags"))
    #expect(client.monitor("nonsense").contains("unknown command"))
    #expect(client.monitor("si 3").contains("maintenance flush register-cache"))
  }

  @Test("Commands that wait at a stop are executed when gdb's run hits it")
  func commands() throws {
    let client = try Guests.code(Guests.short)
    _ = client.monitor("b *0x100025")
    _ = client.session.stops.setCommands(1, ["print $eax"])
    client.printed = ""
    #expect(client.ask("c").hasPrefix("T05"))
    #expect(client.printed.contains("1: breakpoint at 00100025"))
    #expect(client.printed.contains("5"))
  }

  @Test("quit ends the server")
  func quit() throws {
    let client = try Guests.code(Guests.short)
    #expect(client.monitor("quit") == "")
    client.server.serve()
  }
}
