#ifndef PAGEWALK_WEB_PAGE_H
#define PAGEWALK_WEB_PAGE_H

/// A file of the page, as its bytes.
struct pagewalk_page_file {
  const unsigned char *bytes;
  unsigned long length;
};

/// The page's frame, with marks where style, program and data go.
struct pagewalk_page_file pagewalk_page_html(void);
/// Its style.
struct pagewalk_page_file pagewalk_page_css(void);
/// Its program, part `index` in the order in which the parts follow each other; no bytes behind the last one.
struct pagewalk_page_file pagewalk_page_js(unsigned index);

#endif
