import Testing

@testable import Debugger
@testable import GDBServer

@Suite("Answers to packets")
struct StubTests {
  /// At 100020h, with a client that knows of breakpoint reasons.
  private func begun(_ code: [UInt8] = Guests.short) throws -> FakeClient {
    let client = try Guests.code(code)
    client.ask("qSupported:swbreak+;hwbreak+")
    client.ask("Z0,100020,1")
    #expect(client.ask("c").hasPrefix("T05thread:1;swbreak:;"))
    client.ask("z0,100020,1")
    return client
  }

  @Test(
    "Packets without effects",
    arguments: [
      ("vMustReplyEmpty", ""), ("unknown", ""), ("", ""), ("qUnheardOf:1", ""), ("qC", "QC1"),
      ("qfThreadInfo", "m1"), ("qsThreadInfo", "l"), ("qAttached", "1"), ("Hg0", "OK"), ("Hc-1", "OK"),
      ("Hg2", "E01"), ("T1", "OK"), ("T2", "E01"), ("Txyz", "E16"), ("qOffsets", "Text=0;Data=0;Bss=0"),
      ("qSymbol::", "OK"), ("QPassSignals:e;10", "OK"), ("QThreadEvents:1", "OK"),
      ("vCont?", "vCont;c;C;s;S;t;r"), ("qThreadExtraInfo,1", "4350552030205b72756e6e696e675d"), ("!", "OK"),
      ("qqemu.sstepbits", "ENABLE=1,NOIRQ=2,NOTIMER=4"), ("qqemu.sstep", "0x7"), ("Qqemu.sstep=1", "OK"),
      ("Qqemu.sstep=0", "E16"), ("Z9,0,1", ""), ("Z0,zz,1", "E16"), ("Z2,0,0", "E16"), ("z0,1,1", "OK"),
      ("vCont;q", "E16"), ("vCont", "E16"), ("m", "E16"), ("m0", "E16"), ("p999", "E16"), ("M0,4:00", "E16"),
      ("G00", "E16"), ("qRcmd,0", "E16"), ("qXfer:features:read:other.xml:0,10", "E00"),
      ("qXfer:nothing:read::0,10", ""), ("qXfer:memory-map:read::x", "E16"), ("X100000,0:", "OK"),
    ])
  func plain(_ packet: String, _ answer: String) throws {
    let client = try Guests.code(Guests.short)
    #expect(client.ask(packet) == answer)
  }

  @Test("Documents come in pieces, and name every register of g in its order")
  func documents() throws {
    let client = try Guests.code(Guests.short)
    var text = ""
    while true {
      let part = client.ask("qXfer:features:read:target.xml:\(String(text.utf8.count, radix: 16)),100")
      text += part.dropFirst()
      if part.first != "m" { break }
    }
    #expect(text == TargetDescription.text)
    #expect(text.hasSuffix("</target>\n"))
    let digits = RegisterTable.all.reduce(0) { $0 + $1.bytes * 2 }
    #expect(client.ask("g").count == digits)
    #expect(RegisterTable.all.map(\.number) == RegisterTable.all.map(\.number).sorted())
    #expect(client.ask("qXfer:memory-map:read::0,1000").hasPrefix("l<?xml"))
  }

  @Test("Registers are read and written; those that can't be say why")
  func registers() throws {
    let client = try begun()
    #expect(client.ask("p8") == "20001000")
    #expect(client.ask("P0=78563412") == "OK")
    #expect(client.ask("p0") == "78563412")
    let all = client.ask("g")
    #expect(all.hasPrefix("78563412"))
    #expect(client.ask("G" + all) == "OK")
    #expect(client.ask("G01" + all.dropFirst(2)) == "OK")
    #expect(client.ask("p0") == "01563412")
    #expect(client.ask("P41=00000000").hasPrefix("E.cr3 can't be changed") == false)
    #expect(client.ask("P3f=01000000").hasPrefix("E.cr0 can't be changed"))
    #expect(client.ask("p10") == String(repeating: "0", count: 20))
    // ST(0), a segment register with a selector that it can have and with one that it can't, and SSE, which is not there.
    #expect(client.ask("P10=0000000000000080ff3f") == "OK")
    #expect(client.ask("p10") == "0000000000000080ff3f")
    #expect(client.ask("Pf=00000000") == "OK")
    #expect(client.ask("pf") == "00000000")
    #expect(client.ask("Pf=f8ff0000").hasPrefix("E.gs can't hold 0xfff8"))
    #expect(client.ask("p20") == String(repeating: "x", count: 32))
    #expect(client.ask("P28=801f0000").hasPrefix("E.'$mxcsr' is not there"))
  }

  @Test("Memory is read and written, in both spellings, linear and physical")
  func memory() throws {
    let client = try begun()
    #expect(client.ask("m100020,5") == "b805000000")
    #expect(client.ask("M102000,2:abcd") == "OK")
    #expect(client.ask("X102002,1:}\u{03}") == "E16")
    #expect(client.ask([UInt8]("X102002,1:".utf8) + [0x23]) == "OK")
    #expect(client.ask("m102000,4") == "abcd2300")
    #expect(client.ask("x102001,0") == "b")
    #expect(client.ask("Qqemu.PhyMemMode:1") == "OK")
    #expect(client.ask("qqemu.PhyMemMode") == "1")
    #expect(client.ask("m102000,1") == "ab")
    #expect(client.ask("m10000000000,1") == "E0e")
    #expect(client.ask("M10000000000,1:00").hasPrefix("E."))
  }

  @Test("Breakpoints, watchpoints and ends are told of with their reasons")
  func stops() throws {
    let client = try begun()
    #expect(client.ask("Z2,102000,4") == "OK")
    #expect(client.ask("Z2,102000,4") == "OK")
    #expect(client.session.stops.stops.count == 1)
    #expect(client.ask("vCont;c:1").hasPrefix("T05thread:1;watch:102000;"))
    #expect(client.ask("p8") == "2a001000")
    #expect(client.ask("z2,102000,4") == "OK")
    #expect(client.ask("Z3,102002,1") == "OK")
    #expect(client.ask("vCont;c").hasPrefix("T05thread:1;rwatch:102002;"))
    #expect(client.ask("z3,102002,1") == "OK")
    #expect(client.ask("Z1,100030,1") == "OK")
    #expect(client.ask("vCont;C05:-1").hasPrefix("T05thread:1;hwbreak:;"))
    #expect(client.ask("z1,100030,1") == "OK")
    #expect(client.ask("c") == "W06")
    #expect(client.ask("c").hasPrefix("T05thread:1;replaylog:end;"))
    #expect(client.ask("?").hasPrefix("T05thread:1;"))
  }

  @Test("Going back: a step, to a store, to the beginning; then forward to the same end")
  func back() throws {
    let client = try begun()
    #expect(client.ask("s").hasPrefix("T05"))
    #expect(client.ask("p8") == "25001000")
    #expect(client.ask("bs").hasPrefix("T05"))
    #expect(client.ask("p8") == "20001000")
    #expect(client.ask("vCont;r100020,10002f:1").hasPrefix("T05"))
    #expect(client.ask("p8") == "2f001000")
    client.ask("Z2,102000,4")
    #expect(client.ask("bc").hasPrefix("T05thread:1;watch:102000;"))
    #expect(client.ask("p8") == "25001000")
    client.ask("z2,102000,4")
    #expect(client.ask("bc").hasPrefix("T05thread:1;replaylog:begin;"))
    #expect(client.ask("bs").hasPrefix("T05thread:1;replaylog:begin;"))
    #expect(client.ask("c") == "W06")
    #expect(client.ask("R00") == "-")
    #expect(client.ask("p49") == "0000000000000000")
    #expect(client.ask("c") == "W06")
  }

  @Test("Ctrl-C stops a guest that runs for ever, and one that stands does not mind it")
  func interrupt() throws {
    let client = try begun(Guests.endless)
    #expect(client.ask("vCont;c", then: [3]).hasPrefix("T02thread:1;"))
    client.send([3])
    client.server.round(waiting: 0)
    #expect(client.receive() == [])
    #expect(client.ask("s").hasPrefix("T05"))
    #expect(client.ask("vCont;r100020,100030:1", then: [3]).hasPrefix("T02"))
  }

  @Test("Acknowledgements, repetitions, damaged packets, and none of these without acknowledgements")
  func acknowledgements() throws {
    let client = try Guests.code(Guests.short)
    client.ask("qC")
    #expect(client.others == [.acknowledged])
    client.others = []
    client.send(Array("$qC#00".utf8))
    client.server.round(waiting: 0)
    #expect(client.receive() == [])
    #expect(client.others == [.wantsRepetition])
    client.send([UInt8(ascii: "-")])
    client.server.round(waiting: 0)
    #expect(client.receive() == ["QC1"])
    #expect(client.ask("QStartNoAckMode") == "OK")
    client.others = []
    #expect(client.ask("qC") == "QC1")
    #expect(client.others == [])
  }

  @Test("Half a packet waits for its other half")
  func halves() throws {
    let client = try Guests.code(Guests.short)
    let wire = Packet.framed(Array("qC".utf8))
    for byte in wire.dropLast() {
      client.send([byte])
      client.server.round(waiting: 0)
      #expect(client.receive() == [])
    }
    client.send([wire[wire.count - 1]])
    client.server.round(waiting: 0)
    #expect(client.receive() == ["QC1"])
  }
}
