/**
 * A stand-in for Office.js, as far as the add-in uses it. Its parts have the types of the published interface
 * (@types/office-js), so that a call that Outlook does not have is none here either.
 *
 * `standIn`, which a test sets before the page is loaded, says what Outlook shows, and takes down what is done to it.
 * Methods whose name stands in `standIn.silent` never answer; those in `standIn.failing` fail, each time or once.
 */

/** @typedef {{ emailAddress: string, displayName: string }} Address */

(() => {
  /** @type {any} */
  const scope = globalThis;
  const standIn = (scope.standIn = {
    ownAddress: "rep@acme.example",
    language: "en-US",
    supported: { NestedAppAuth: false, DialogOrigin: true },
    silent: [],
    failing: [],
    failingOnce: [],
    item: null,
    completed: [],
    handlers: {},
    ...scope.standIn,
  });

  /** @param {any} value */
  const succeeded = (value) => ({ status: "succeeded", value, error: undefined });

  /**
   * Answer as Office.js does: later, and to the last argument.
   * @param {string} name @param {any[]} given @param {() => any} work
   */
  function answer(name, given, work) {
    const done = given[given.length - 1];
    if (standIn.silent.includes(name)) return;
    setTimeout(() => {
      if (standIn.failing.includes(name) || standIn.failingOnce.splice(standIn.failingOnce.indexOf(name) >>> 0, 1).length) done({ status: "failed", value: undefined, error: { code: 9000, name, message: name } });
      else done(succeeded(work()));
    });
  }

  /** @param {string} name @param {string} field of the item */
  const value = (name, field) => ({
    getAsync: (/** @type {any[]} */ ...given) => answer(`${name}.getAsync`, given, () => standIn.item[field]),
    setAsync: (/** @type {any[]} */ ...given) =>
      answer(`${name}.setAsync`, given, () => {
        standIn.item[field] = given[0];
      }),
  });

  /** @type {any} */
  const body = {
    getTypeAsync: (/** @type {any[]} */ ...given) => answer("body.getTypeAsync", given, () => standIn.item.bodyType),
    getAsync: (/** @type {any[]} */ ...given) => answer("body.getAsync", given, () => standIn.item.body),
    setAsync: (/** @type {any[]} */ ...given) =>
      answer("body.setAsync", given, () => {
        if (given[1].coercionType !== standIn.item.bodyType) throw new Error("The body is of another type.");
        standIn.item.body = given[0];
      }),
    setSelectedDataAsync: (/** @type {any[]} */ ...given) =>
      answer("body.setSelectedDataAsync", given, () => {
        standIn.item.body = given[0] + standIn.item.body;
      }),
  };

  /** @type {Pick<Office.CustomProperties, "get" | "set" | "remove" | "saveAsync">} */
  const properties = {
    get: (name) => kept[name],
    set: (name, given) => {
      kept[name] = given;
    },
    remove: (name) => {
      delete kept[name];
    },
    saveAsync: (/** @type {any[]} */ ...given) =>
      answer("customProperties.saveAsync", given, () => {
        standIn.item.properties = { ...kept };
      }),
  };
  /** @type {Record<string, string>} */
  let kept = {};

  /** @param {any[]} given */
  const loadCustomPropertiesAsync = (...given) =>
    answer("loadCustomPropertiesAsync", given, () => {
      kept = { ...standIn.item.properties };
      return properties;
    });

  /** @param {string} type @param {any} handler */
  const addHandlerAsync = (type, handler) => {
    standIn.handlers[type] = handler;
  };

  /** @type {Pick<Office.MessageCompose, "to" | "cc" | "bcc" | "from" | "subject" | "body" | "internetHeaders" | "inReplyTo" | "getItemClassAsync" | "getComposeTypeAsync" | "loadCustomPropertiesAsync" | "addHandlerAsync">} */
  const composed = {
    to: /** @type {any} */ (value("to", "to")),
    cc: /** @type {any} */ (value("cc", "cc")),
    bcc: /** @type {any} */ (value("bcc", "bcc")),
    from: /** @type {any} */ (value("from", "from")),
    subject: /** @type {any} */ (value("subject", "subject")),
    body,
    internetHeaders: /** @type {any} */ ({
      setAsync: (/** @type {any[]} */ ...given) =>
        answer("internetHeaders.setAsync", given, () => {
          standIn.item.headers = { ...standIn.item.headers, ...given[0] };
        }),
    }),
    inReplyTo: standIn.item && standIn.item.inReplyTo,
    getItemClassAsync: (/** @type {any[]} */ ...given) => answer("getItemClassAsync", given, () => standIn.item.itemClass),
    getComposeTypeAsync: (/** @type {any[]} */ ...given) =>
      answer("getComposeTypeAsync", given, () => ({ composeType: standIn.item.composeType, coercionType: standIn.item.bodyType })),
    loadCustomPropertiesAsync,
    addHandlerAsync,
  };

  /** @type {() => Pick<Office.MessageRead, "internetMessageId" | "subject" | "from" | "itemClass" | "dateTimeCreated" | "getAsFileAsync" | "loadCustomPropertiesAsync">} */
  const read = () => ({
    internetMessageId: standIn.item.internetMessageId,
    subject: standIn.item.subject,
    from: standIn.item.from,
    itemClass: standIn.item.itemClass,
    dateTimeCreated: new Date(standIn.item.at),
    getAsFileAsync: standIn.withoutFile
      ? /** @type {any} */ (undefined)
      : (/** @type {any[]} */ ...given) => answer("getAsFileAsync", given, () => standIn.item.mime),
    loadCustomPropertiesAsync,
  });

  /** @type {Pick<Office.Mailbox, "item" | "userProfile" | "addHandlerAsync">} */
  const mailbox = {
    get item() {
      if (!standIn.item) return undefined;
      return /** @type {any} */ ("internetMessageId" in standIn.item ? read() : composed);
    },
    userProfile: /** @type {any} */ ({ emailAddress: standIn.ownAddress }),
    addHandlerAsync: /** @type {any} */ (addHandlerAsync),
  };

  /** @type {Pick<Office.UI, "displayDialogAsync" | "messageParent">} */
  const ui = {
    displayDialogAsync: (/** @type {any[]} */ ...given) => {
      const opened = scope.open(given[0]);
      /** @type {Record<string, any>} */
      const handlers = {};
      scope.addEventListener("message", (/** @type {MessageEvent} */ event) => {
        if (event.data && event.data.saidInDialog) handlers.dialogMessageReceived({ message: event.data.saidInDialog, origin: event.origin });
      });
      standIn.closeDialog = () => handlers.dialogEventReceived({ error: 12006 });
      const dialog = {
        close: () => opened.close(),
        addEventHandler: (/** @type {string} */ type, /** @type {any} */ handler) => {
          handlers[type] = handler;
        },
      };
      answer("displayDialogAsync", given, () => dialog);
    },
    messageParent: (message, options) => {
      scope.opener.postMessage({ saidInDialog: message }, options && options.targetOrigin);
    },
  };

  /** @type {Record<string, any>} */
  const actions = {};
  scope.Office = {
    AsyncResultStatus: { Succeeded: "succeeded", Failed: "failed" },
    CoercionType: { Html: "html", Text: "text" },
    MailboxEnums: { ComposeType: { NewMail: "newMail", Reply: "reply", Forward: "forward" } },
    EventType: {
      ItemChanged: "olkItemSelectedChanged",
      RecipientsChanged: "olkRecipientsChanged",
      DialogMessageReceived: "dialogMessageReceived",
      DialogEventReceived: "dialogEventReceived",
    },
    onReady: (/** @type {any} */ ready) => Promise.resolve().then(ready),
    actions: { associate: (/** @type {string} */ name, /** @type {any} */ handler) => (actions[name] = handler) },
    context: {
      displayLanguage: standIn.language,
      mailbox,
      ui,
      requirements: { isSetSupported: (/** @type {string} */ name) => Boolean(standIn.supported[name]) },
    },
  };

  if (standIn.bridge) {
    // The bridge of nested app authentication, as MSAL.js speaks with it.
    const account = { homeAccountId: "1.2", environment: "login.microsoftonline.com", tenantId: "2", username: "rep", localAccountId: "1" };
    /** @type {any} */
    let listener;
    standIn.askedFor = [];
    scope.nestedAppAuthBridge = {
      addEventListener: (/** @type {string} */ _, /** @type {any} */ heard) => {
        listener = heard;
      },
      postMessage: (/** @type {string} */ text) => {
        const { requestId, method, tokenParams } = JSON.parse(text);
        if (method !== "GetInitContext") standIn.askedFor.push(tokenParams);
        const initContext = { sdkName: "stand-in", sdkVersion: "1", accountContext: account, capabilities: {} };
        const token = { access_token: standIn.bridge.token, expires_in: 3600, id_token: standIn.bridge.identity, scope: tokenParams && tokenParams.scope };
        const given = method === "GetInitContext" ? { initContext } : { token, account };
        setTimeout(() => listener(JSON.stringify({ messageType: "NestedAppAuthResponse", requestId, success: true, ...given })));
      },
    };
  }

  /** Press Send: the handler of the add-in runs, and `left` resolves when it lets the mail leave, as it is then. */
  standIn.send = () => {
    standIn.completed = [];
    standIn.left = new Promise((resolve) => {
      /** @type {Pick<Office.MailboxEvent, "completed">} */
      const event = {
        completed: (options) => {
          const { body, headers, properties } = standIn.item;
          standIn.completed.push({ ...options, body, headers, properties });
          resolve(undefined);
        },
      };
      actions.onMessageSend(event);
    });
  };

  /** Show another mail in a pinned pane. @param {any} item */
  standIn.select = (item) => {
    standIn.item = item;
    standIn.handlers.olkItemSelectedChanged();
  };
})();
