import Runs
import IA32
import Testing

@testable import Debugger
@testable import Emulator

/// Sessions with the guests that `make images` builds.
@Suite("Debugger with guests")
struct GuestTests {
  @Test func aGuestFromBeginningToEnd() throws {
    let test = try TestSession.guest("hello")
    #expect(test.say("u $pc 1").hasPrefix("=> fffffff0"))
    #expect(test.say("si").hasPrefix("at "))
    #expect(test.say("c").hasPrefix("the guest exited with 0 at "))
    let console = try #require(test.session.console as? KeepingConsole)
    #expect(String(decoding: console.output, as: UTF8.self).hasPrefix("Hello from a guest"))
    #expect(
      test.say("c") == "error: the guest has ended (exit): it can go back ('rc', 'rsi', 'goto 0'), not on")
    #expect(test.say("explain fault") == "there has been no fault")
  }

  @Test func aMissingINVLPG() throws {
    let test = try TestSession.guest("missing-flush/missing-invlpg")
    try test.run(to: "stale_use")
    let walk = test.say("walk va")
    #expect(walk.contains("! STALE: DTLB 4K set 0 way 0 gives "))
    #expect(test.say("x/1xw va").hasPrefix("40000000:  0x0dd0f4a3\n! page 40000000 was read at "))
    #expect(test.say("x/1xw -w va") == "40000000:  0x4e304e30")
    #expect(test.say("p/x *va") == "0xdd0f4a3")
    #expect(test.say("check pdpte") == "the four PDPTE registers are as memory has them")
    #expect(test.say("bt").contains("bug+0x"))
    #expect(test.say("info symbol stale_use").contains(" stale_read+0x"))
    #expect(test.say("info line").contains("images/missing-flush/bug.c:"))
    #expect(test.say("u $pc 1").contains("mov    eax,DWORD PTR ["))
  }

  @Test func everyGuestWithABugShowsIt() throws {
    for (name, expected) in [
      ("alias", "check tlb"), ("write-protect", "check tlb"), ("global-over-cr3", "check tlb"),
      ("directory-change", "check tlb"), ("wrong-address", "check tlb"), ("pdpte-no-reload", "check pdpte"),
    ] {
      let broken = try TestSession.guest("missing-flush/\(name)")
      broken.say("c")
      #expect(broken.say(expected).contains("STALE"), "\(name)")
      let fixed = try TestSession.guest("missing-flush/\(name)-fixed")
      fixed.say("c")
      #expect(!fixed.say(expected).contains("STALE"), "\(name)-fixed")
    }
  }

  @Test func theMiniKernel() throws {
    let test = try TestSession.guest("minikernel", mebibytes: 256)
    #expect(test.say("info buddy") == "error: the kernel's memory management is not up yet")
    try test.run(to: "Guest.Demonstration.writePattern")
    #expect(test.say("audit") == "all 39 invariants hold")
    let areas = test.say("info vmalloc").split(separator: "\n").map(String.init)
    #expect(areas.count == 2)
    #expect(areas[1].contains("d0800000  d0900fff    256  vmalloc"))
    #expect(test.say("info buddy").contains("HighMem"))
    #expect(test.say("info mem 0xd0800000 0xd0900fff").contains("d0800000  d08fffff  1 MiB"))
    #expect(test.say("walk 0xd0900000").contains("is not present"))
    #expect(try TestSession.guest("hello").say("audit").contains("lacks the mini-kernel's symbols"))
  }

  @Test func aTripleFault() throws {
    // lidt [zeros]; mov dword [0], 1 would do; ud2 with no IDT is enough.
    let test = try TestSession.code([0x0F, 0x01, 0x1D, 0x00, 0x00, 0x30, 0x00, 0x0F, 0x0B])
    let text = test.say("c")
    #expect(text.hasPrefix("triple fault at 00100027"))
    #expect(text.contains("first: #UD of the instruction at 00100027"))
    #expect(
      text.contains("second: #GP(0033) of the instruction at 00100027, on the way into the handler of #UD"))
    #expect(text.contains("entry 6 of the IDT"))
    #expect(text.hasSuffix("a triple fault  [SDM 3A 6.15, interrupt 8]"))
  }

  @Test func backtracesEnd() throws {
    // mov ebp, 200000h; mov [200000h], 200000h; hlt: a frame that links to itself.
    let loop = try TestSession.code(
      [0xBD, 0, 0, 0x20, 0, 0xC7, 0x05, 0, 0, 0x20, 0, 0, 0, 0x20, 0, 0xF4])
    loop.say("c")
    #expect(loop.say("bt").contains("! the frame at 00200000 links down to 00200000: the chain is broken"))
    // mov ebp, 40000000h; hlt: no memory there.
    let nowhere = try TestSession.code([0xBD, 0, 0, 0, 0x40, 0xF4])
    nowhere.say("c")
    #expect(nowhere.say("bt").contains("! the frame at 40000000 can't be read"))
    // mov ebp, 3; hlt
    let odd = try TestSession.code([0xBD, 3, 0, 0, 0, 0xF4])
    odd.say("c")
    #expect(odd.say("bt").contains("! EBP is 00000003, which is no frame"))
  }

  @Test func devicesAreNotRead() throws {
    let test = try TestSession.guest("hello")
    let address = String(DemonstrationDevice.addressBelow4GiB, radix: 16)
    test.say("c")
    let before = test.machine.bus.counters
    #expect(
      test.say("xp 0x\(address)").contains(
        "belongs to the device 'demonstration device, low', which a read could change: not read"))
    #expect(test.say("xp 0xfedc000000").contains("nothing answers at physical"))
    #expect(test.machine.bus.counters == before)
    #expect(test.say("xp/1xb 0xffffff00").hasPrefix("0ffffff00:  0x"))
  }

  @Test func sourceLines() throws {
    let test = try TestSession.guest("hello")
    test.say("c")
    #expect(
      test.say("list").contains("can't be read: start the shell in the folder that the image was built from"))
    test.session.readSource = { _ in (1...200).map { "line \($0)" } }
    let first = test.say("list")
    #expect(first.contains("> 91    line 91"))
    #expect(test.say("").contains("  97    line 97"))
  }
}
