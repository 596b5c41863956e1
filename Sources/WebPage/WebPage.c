// The files of Page/ as constant data, so that the product is one file. The compiler's list of what an object depends on
// names them, so a changed page is a changed program.
#include "web_page.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

#define PAGE_FILE(bytes) ((struct pagewalk_page_file){bytes, sizeof bytes})

static const unsigned char html[] = {
#embed "Page/page.html"
};
static const unsigned char css[] = {
#embed "Page/page.css"
};
static const unsigned char js_base[] = {
#embed "Page/base.js"
};
static const unsigned char js_sources[] = {
#embed "Page/sources.js"
};
static const unsigned char js_time[] = {
#embed "Page/time.js"
};
static const unsigned char js_space[] = {
#embed "Page/space.js"
};
static const unsigned char js_tables[] = {
#embed "Page/tables.js"
};
static const unsigned char js_tlb[] = {
#embed "Page/tlb.js"
};
static const unsigned char js_walks[] = {
#embed "Page/walks.js"
};
static const unsigned char js_frames[] = {
#embed "Page/frames.js"
};
static const unsigned char js_code[] = {
#embed "Page/code.js"
};
static const unsigned char js_story[] = {
#embed "Page/story.js"
};
static const unsigned char js_main[] = {
#embed "Page/main.js"
};

struct pagewalk_page_file pagewalk_page_html(void) { return PAGE_FILE(html); }
struct pagewalk_page_file pagewalk_page_css(void) { return PAGE_FILE(css); }

struct pagewalk_page_file pagewalk_page_js(unsigned index) {
  const struct pagewalk_page_file parts[] = {
      PAGE_FILE(js_base),   PAGE_FILE(js_sources), PAGE_FILE(js_time),   PAGE_FILE(js_space), PAGE_FILE(js_tables),
      PAGE_FILE(js_tlb),    PAGE_FILE(js_walks),   PAGE_FILE(js_frames), PAGE_FILE(js_code),  PAGE_FILE(js_story), PAGE_FILE(js_main),
  };
  return index < sizeof parts / sizeof parts[0] ? parts[index] : (struct pagewalk_page_file){0, 0};
}
