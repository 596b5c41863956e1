import Foundation
import Testing

/// A disk without a kernel boots by its first sector, with the services of our ROM. `images/bios-tour` says what they answer; SeaBIOS
/// says the same under QEMU, but for what depends on the machine.
@Suite("Disks that boot themselves")
struct BootSectorTests {
  private let image = TraceRunner.images.appending(path: "bios-tour.img")

  private func lines(_ text: String) -> [String] { text.split(separator: "\n").map(String.init) }

  @Test func theServicesAnswer() throws {
    let runner = try TraceRunner()
    let result = try runner.run(
      "run", "--quiet", "--memory", "16M", "--timing", "functional", "--disk", image.path, "--max-cycles",
      "200000000")
    #expect(result.status == 0, "\(result.error)")
    #expect(
      lines(result.error) == [
        "drive 0080", "equipment 0222", "base memory 027f", "last cylinder and sector 013f", "last head 000f",
        "read, status and count 0001", "cylinder 1 has 4331", "behind the end: carry ffff", "extensions aa55",
        "packet read: carry 0000", "sector 1008 by packet has 4331", "sectors 0800",
        "write, status and count 0001",
        "read again beef", "type 0300", "another drive: carry ffff",
        "map: from, 64 KiB 0000", "     size, 64 KiB 0009", "     type 0001",
        "map: from, 64 KiB 0009", "     size, 64 KiB 0006", "     type 0002",
        "map: from, 64 KiB 0010", "     size, 64 KiB 00f0", "     type 0001",
        "map: from, 64 KiB c000", "     size, 64 KiB 4000", "     type 0002",
        "extended memory, KiB 3c00", "up to 16 MiB, KiB 3c00", "above, 64 KiB 0000", "A20 0001",
        "no such function: carry ffff", "columns and mode 5003", "cursor 0b06", "cell 0741", "scrolled 0741",
        "behind a string 1804", "at the end 1804", "ticks 0002", "year 2000", "month and day 0101",
        "hour and minute 0000",
      ])
    // The screen, since nothing came over the serial port.
    #expect(result.output.contains("word"))
  }

  @Test func keysReachIt() throws {
    let runner = try TraceRunner()
    var disk = [UInt8](try Data(contentsOf: image))
    let keys = try #require(
      disk.indices.first { disk[$0...].starts(with: Array("word  ".utf8)) }, "where the tour asks for keys")
    disk[keys + 4] = 0x21
    try Data(disk).write(to: URL(filePath: runner.path("disk.img")))
    try Data("aB\r".utf8).write(to: URL(filePath: runner.path("keys.txt")))
    let result = try runner.run(
      "run", "--quiet", "--memory", "16M", "--timing", "functional", "--keyboard", "--disk",
      runner.path("disk.img"),
      "--input", runner.path("keys.txt") + "@1000000", "--max-cycles", "300000000")
    #expect(result.status == 0, "\(result.error)")
    #expect(lines(result.error).suffix(4) == ["key 1e61", "key 3042", "key 1c0d", "no more keys 0001"])
    #expect(
      try Data(contentsOf: URL(filePath: runner.path("disk.img"))) == Data(disk), "what it wrote is forgotten"
    )
  }

  @Test func whatDoesNotBootIsSaid() throws {
    let runner = try TraceRunner()
    try Data(count: 1 << 20).write(to: URL(filePath: runner.path("disk.img")))
    let blank = try runner.run("run", "--disk", runner.path("disk.img"))
    #expect(blank.status == 2 && blank.error.contains("does not end with 55h AAh"), "\(blank.error)")
    let nothing = try runner.run("run")
    #expect(nothing.status == 2 && nothing.error.contains("nothing to boot"), "\(nothing.error)")
    let noDisk = try runner.run("run", "--protocol", "boot-sector", image.path)
    #expect(noDisk.status == 2 && noDisk.error.contains("is started with its disk"), "\(noDisk.error)")
    // A disk of which the guest has nothing but its first sector.
    var sector = [UInt8](repeating: 0xF4, count: 512)
    (sector[0], sector[510], sector[511]) = (0xFA, 0x55, 0xAA)
    try Data(sector).write(to: URL(filePath: runner.path("small.img")))
    let small = try runner.run("run", "--disk", runner.path("small.img"))
    #expect(small.status == 5, "cli; hlt: \(small.error)")
    #expect(small.error.contains("disk, its boot sector entered at 0000:7c00 in real mode"), "\(small.error)")
  }
}
