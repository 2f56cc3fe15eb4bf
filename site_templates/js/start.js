/* Before the page is drawn: that there is script, and the theme the reader chose. */
document.documentElement.classList.add('js');
try {
  const theme = localStorage.getItem('theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch { /* a private window may refuse */ }
