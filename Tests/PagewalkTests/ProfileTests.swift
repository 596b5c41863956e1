import Emulator
import Foundation
import GuestImages
import Testing

@testable import Reports

@Suite("Profiles")
struct ProfileTests {
  /// Three functions in 100 bytes each, with names that need care.
  private static let names: [UInt32: String] = [1: "main", 2: "operator; <T>", 3: "leaf"]

  private func sample(
    _ linear: UInt32, callers: [UInt32] = [], isUser: Bool = false, cycles: UInt64, walk: UInt64 = 0,
    idle: UInt64 = 0
  ) -> ProfileSample {
    ProfileSample(
      linear: linear, callers: callers, isUser: isUser, isPaged: true, cycles: cycles, walkCycles: walk,
      idleCycles: idle)
  }

  private func profile(_ samples: [ProfileSample], lines: Bool = true) -> Profile {
    var profile = Profile { linear, _ in
      Self.names[linear / 100]
    } line: { linear, _ in
      lines && linear < 300 ? "file.c:\(linear / 10)" : nil
    }
    for sample in samples { profile.add(sample) }
    return profile
  }

  private static let samples: [(UInt32, [UInt32], Bool, UInt64, UInt64, UInt64)] = [
    (350, [210, 120], false, 1000, 40, 0),
    // A return address behind its function's end: the call was the last instruction.
    (355, [200], true, 500, 0, 0),
    (205, [120, 9999, 130], false, 2500, 60, 0),
    (205, [120], false, 500, 0, 7000),
    (0xffff_fff0, [], false, 0, 0, 0),
    (0xffff_fff0, [], false, 10, 0, 0),
    (0x1234, [], false, 5, 0, 0),
  ]

  private var golden: ProfileReport {
    let samples = Self.samples.map {
      sample($0.0, callers: $0.1, isUser: $0.2, cycles: $0.3, walk: $0.4, idle: $0.5)
    }
    return ProfileReport(profile: profile(samples), image: "kernel.elf", period: 1000)
  }

  @Test func tablesAreGolden() {
    #expect(
      golden.text() == """
        kernel.elf: 11,515 cycles, of them 100 of page walks, in 7 samples of 1,000 cycles on average

        cycles           walk cycles           mode    symbol
         7,000  60.79 %            0           kernel  [idle]
         3,000  26.05 %           60  60.00 %  kernel  operator; <T>
         1,000   8.68 %           40  40.00 %  kernel  leaf
           500   4.34 %            0           user    leaf
            10   0.08 %            0           kernel  [boot ROM]
             5   0.04 %            0           kernel  [00001234]

        cycles           walk cycles           mode    line
         3,000  26.05 %           60  60.00 %  kernel  file.c:20

        """)
  }

  /// What flamegraph.pl and speedscope take: frames between semicolons, a blank, a whole number.
  @Test func foldedStacksAreGolden() throws {
    #expect(
      golden.folded(.cycles) == """
        kernel;[00001234] 5
        kernel;[boot ROM] 10
        kernel;main;operator: <T> 3000
        kernel;main;operator: <T>;[idle] 7000
        kernel;main;operator: <T>;leaf 1000
        user;main;leaf 500

        """)
    #expect(
      golden.folded(.walkCycles) == """
        kernel;main;operator: <T> 60
        kernel;main;operator: <T>;leaf 40

        """)
    #expect(golden.profile.total == Profile.Share(cycles: 11_515, walkCycles: 100))
  }

  // MARK: Whole runs

  /// A loop over four pages, a call in it, and the end.
  private static let guest: [UInt8] = [
    0xBC, 0x00, 0x80, 0x10, 0x00,  // mov esp, 108000h
    0xB9, 0xE8, 0x03, 0x00, 0x00,  // mov ecx, 1000
    0xE8, 0x07, 0x00, 0x00, 0x00,  // call +7
    0x49, 0x75, 0xF8,  // dec ecx; jnz, to the call
    0xB0, 0x00, 0xE6, 0xF4,  // mov al, 0; out F4h, al
    0x55, 0x89, 0xE5, 0xA1, 0x00, 0x90, 0x10, 0x00, 0xC9, 0xC3,  // a function that loads
  ]

  @Test(
    "A profiled run takes as long as one that isn't, and all of it is in the profile",
    arguments: ["functional", "tlb", "full"])
  func profiledRun(_ timing: String) throws {
    let prefix = FileManager.default.temporaryDirectory.appending(
      path: "pagewalk-profile-\(UUID().uuidString)"
    ).path
    let files = ["txt", "folded", "walks.folded"].map { "\(prefix).\($0)" }
    defer { for file in files { try? FileManager.default.removeItem(atPath: file) } }
    let runs = GuestRunTests()
    let plain = try runs.run(Self.guest, "--timing", timing, "--json")
    let profiled = try runs.run(Self.guest, "--timing", timing, "--json", "--profile", prefix)
    #expect(profiled.status == 0)
    let statistics = try profiled.statistics
    #expect(statistics == (try plain.statistics))
    let folded = try String(contentsOfFile: files[1], encoding: .utf8)
    let sum = folded.split(separator: "\n").reduce(UInt64(0)) {
      $0 + (UInt64($1.split(separator: " ").last ?? "") ?? 0)
    }
    #expect(sum == statistics.cycles)
    _ = try runs.run(Self.guest, "--timing", timing, "--json", "--profile", prefix)
    #expect(try String(contentsOfFile: files[1], encoding: .utf8) == folded, "the same again")
  }

  @Test func aProfileThatCannotBeWrittenIsStatus2BeforeTheRun() throws {
    let ended = try GuestRunTests().run(Self.guest, "--profile", "/nonexistent/profile")
    #expect(ended.status == 2)
    #expect(
      ended.error == "pagewalk: /nonexistent/profile.txt: can't be written (No such file or directory)\n")
    #expect(ended.error.filter(\.isNewline).count == 1)
  }
}

/// The images that `make images` builds, run as people run them.
@Suite("Statistics of the sample images")
struct SampleImageStatisticsTests {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: ".build/images")

  static let images: [String] = {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.filter { $0.hasSuffix(".elf") }.sorted()
  }()

  /// Base is what remains when all else is taken away: it must be there, and no larger than what instructions can take.
  @Test("Parts add up in both modes and together", arguments: images, ["functional", "tlb", "full"])
  func addsUp(_ image: String, timing: String) throws {
    let process = Process()
    process.executableURL = CommandLineTests.executable
    process.arguments = [
      "run", "--memory", "64M", "--timing", timing, "--max-cycles", "30000000", "--json",
      Self.folder.appending(path: image).path,
    ]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    let error = Pipe()
    process.standardError = error
    try process.run()
    let messages = String(decoding: try error.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    let line = messages.split(separator: "\n").last { $0.hasPrefix("{") } ?? ""
    let run = try JSONDecoder().decode(RunStatistics.self, from: Data(line.utf8))
    for mode in [run.whole, run.user, run.kernel] {
      let parts = mode.breakdown
      let others = [
        parts.fetch, parts.l1, parts.l2, parts.dram, parts.walk, parts.branch, parts.io, parts.idle,
      ]
      #expect(others.reduce(parts.base) { $0 + ($1 ?? 0) } == mode.cycles)
      #expect(parts.base <= mode.cycles)
      // Port instructions are all I/O.
      let ports = run.ports.reads + run.ports.writes
      #expect(parts.base + ports >= mode.instructions, "an instruction takes a cycle at least")
    }
    #expect(run.user.instructions + run.kernel.instructions == run.instructions)
    #expect(run.user.cycles + run.kernel.cycles == run.cycles)
    #expect(run.user.breakdown.base + run.kernel.breakdown.base == run.breakdown.base)
    #expect(run.user.breakdown.io + run.kernel.breakdown.io == run.breakdown.io)
    #expect(run.user.walks.references + run.kernel.walks.references == run.walks.references)
    #expect(run.user.dataReferences + run.kernel.dataReferences == run.dataReferences)
    #expect((run.caches == nil) == (timing != "full"))
  }
}
