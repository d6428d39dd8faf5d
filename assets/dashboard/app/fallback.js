/*
 * The list as a plain table, polled, for a browser that cannot run the page. Written so that any browser can read it.
 */
(function () {
  'use strict';
  var COLUMNS = ['duration_ms', 'qualified_model', 'resolved_model', 'is_streaming', 'input_tokens', 'output_tokens', 'tool_calls', 'request_id'];
  var TITLES = ['Duration', 'Model', 'Resolved', 'Streaming', 'In', 'Out', 'Tools', 'Request'];
  var INTERVAL = 5000;
  var key = '';

  /** @param {HTMLElement} row @param {string} name @param {string} tag */
  function cell(row, name, tag) {
    var element = document.createElement(tag);
    element.appendChild(document.createTextNode(name));
    row.appendChild(element);
  }

  /** @param {Record<string, unknown>} request @param {string} name */
  function value(request, name) {
    var it = request[name];
    if (name === 'duration_ms') return typeof it === 'number' ? Math.floor(it / 1000) + 's' : 'N/A';
    if (name === 'is_streaming') return it ? 'Yes' : 'No';
    return it === undefined || it === null || it === '' ? 'N/A' : String(it);
  }

  /** @param {string} note @param {any[]} requests */
  function show(note, requests) {
    var main = document.getElementById('main');
    if (!main) return;
    main.innerHTML = '';
    main.className = 'compat';
    var text = document.createElement('p');
    text.appendChild(document.createTextNode(note));
    main.appendChild(text);
    var table = document.createElement('table');
    table.className = 'records';
    var head = document.createElement('tr');
    var i;
    for (i = 0; i < TITLES.length; i += 1) cell(head, TITLES[i] || '', 'th');
    table.appendChild(head);
    for (i = 0; i < requests.length; i += 1) {
      if (!requests[i] || typeof requests[i].request_id !== 'string') continue;
      var row = document.createElement('tr');
      for (var j = 0; j < COLUMNS.length; j += 1) cell(row, value(requests[i], COLUMNS[j] || ''), 'td');
      table.appendChild(row);
    }
    main.appendChild(table);
  }

  function poll() {
    var meta = document.querySelector('meta[name="metrics"]');
    var request = new XMLHttpRequest();
    request.open('GET', ((meta && meta.getAttribute('content')) || '../metrics') + '/active-requests');
    if (key) request.setRequestHeader('Authorization', 'Bearer ' + key);
    request.onload = function () {
      if (request.status === 401 && !key) {
        key = window.prompt('This server requires an API key') || '';
        if (key) return poll();
      }
      try {
        var answer = JSON.parse(request.responseText);
        var requests = answer.active_requests;
        show(requests.length + ' in flight. This browser lacks what the live page needs, so the list is polled every 5s.', requests);
      } catch (error) {
        show('The list could not be read (status ' + request.status + ').', []);
      }
      setTimeout(poll, INTERVAL);
    };
    request.onerror = function () {
      show('No connection to the server.', []);
      setTimeout(poll, INTERVAL);
    };
    request.send();
  }

  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', poll);
  else poll();
})();
