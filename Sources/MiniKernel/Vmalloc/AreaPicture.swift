/// The frame number of physical address 4 GiB.
public var firstFrameAbove4GiB: FrameNumber { 1 << 20 }

extension Kernel {
  /// An area: its linear addresses on the left, the frames or bus addresses behind them on the right, the guard page at the
  /// end. Of a long area the first eight pages and the last are shown.
  public func printArea(_ area: VMArea<HW>) {
    console.line("      linear                          physical")
    console.line("             +------------+")
    let count = (area.size >> pageShift) - 1
    let shown = min(count, 8)
    for index in 0..<shown { printPage(area, index) }
    if count > shown + 1 { console.line("             |    ....    |           ....") }
    if count > shown { printPage(area, count - 1) }
    console.line("             +------------+")
    console.text("    ").hexadecimal(area.guardPage.rawValue, digits: 8)
      .line(" | guard page |           not mapped")
    console.line("             +------------+").newline()
  }

  private func printPage(_ area: VMArea<HW>, _ index: UInt32) {
    let address = area.start + index << pageShift
    console.text("    ").hexadecimal(address.rawValue, digits: 8).text(" | page").decimal(index, width: 6)
    console.text(" | --------> ")
    if area.flags.contains(.ioremap) {
      console.hexadecimal(area.physicalAddress &+ UInt64(index) << 12, digits: 10)
        .line(area.protection.contains(.cacheDisabled) ? "  bus, uncached" : "  bus")
      return
    }
    let frame = frame(of: area.page(index))
    console.hexadecimal(UInt64(frame) << 12, digits: 10).text("  ")
    console.text(zoneIndex(of: frame).name).line(frame >= firstFrameAbove4GiB ? ", above 4 GiB" : "")
  }

  /// Where an area's frames lie, counted.
  public func printFrames(_ area: VMArea<HW>) {
    var neighbours: UInt32 = 0
    for index in 1..<max(area.pageCount, 1)
    where frame(of: area.page(index)) == frame(of: area.page(index - 1)) &+ 1 {
      neighbours += 1
    }
    console.text("  Frames:")
    for number in 0..<ZoneIndex.count {
      let zone = ZoneIndex(number: number)
      let count = countFrames(area) { zoneIndex(of: $0) == zone }
      if count > 0 { console.byte(0x20).decimal(count).byte(0x20).text(zone.name) }
    }
    console.text(", ").decimal(framesAbove4GiB(area)).text(
      " above 4 GiB; neighbours that follow each other: ")
    console.decimal(neighbours).newline()
  }

  /// How many of an area's frames take more than 32 bits to address.
  public func framesAbove4GiB(_ area: VMArea<HW>) -> UInt32 {
    countFrames(area) { $0 >= firstFrameAbove4GiB }
  }

  private func countFrames(_ area: VMArea<HW>, _ condition: (FrameNumber) -> Bool) -> UInt32 {
    var count: UInt32 = 0
    for index in 0..<area.pageCount where condition(frame(of: area.page(index))) { count += 1 }
    return count
  }
}
