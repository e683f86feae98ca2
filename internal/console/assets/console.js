// What a browser adds to the pages. Everything works without it.
(function () {
  'use strict';

  // A form that was sent is not sent twice by an impatient second press.
  document.addEventListener('submit', function (event) {
    var form = event.target;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    if ((form.getAttribute('method') || 'get').toLowerCase() === 'post') {
      form.dataset.sent = 'yes';
      form.setAttribute('aria-busy', 'true');
    }
  });
  // Back to a page of the browser's memory: its forms can be sent again.
  window.addEventListener('pageshow', function () {
    document.querySelectorAll('form[data-sent]').forEach(function (form) {
      delete form.dataset.sent;
      form.removeAttribute('aria-busy');
    });
  });

  // The print button is of no use without this, so it comes with it.
  document.querySelectorAll('button[data-print]').forEach(function (button) {
    button.hidden = false;
    button.addEventListener('click', function () { window.print(); });
  });

  // A select that filters a list sends its form when it changes.
  document.querySelectorAll('form[data-filter] select').forEach(function (select) {
    select.addEventListener('change', function () { select.form.submit(); });
  });

  // Who cannot see the page is told what a reload has changed, and only then.
  var spoken = document.getElementById('spoken');
  function saying() {
    var part = document.querySelector('[data-say]');
    return part ? part.dataset.say : '';
  }
  var said = saying();
  document.addEventListener('htmx:afterSettle', function () {
    var now = saying();
    if (spoken && now && now !== said) {
      said = now;
      spoken.textContent = now;
    }
  });

  // What nobody looks at is not reloaded.
  document.addEventListener('htmx:beforeRequest', function (event) {
    if (document.hidden) {
      event.preventDefault();
    }
  });

  // Personal data that was shown does not stay on an unattended screen.
  document.querySelectorAll('[data-hide-after]').forEach(function (box) {
    window.setTimeout(function () {
      box.textContent = box.dataset.hidden;
    }, Number(box.dataset.hideAfter) * 1000);
  });
})();
