/** The page at the end of the sign-in in a dialog: it hands the token to the pane, which is of this host. */

Office.onReady(() => {
  const { token = "", seconds = "0", nonce = "", wrong = "" } = document.documentElement.dataset;
  const said = { token, seconds: Number(seconds), nonce, wrong };
  Office.context.ui.messageParent(JSON.stringify(said), { targetOrigin: location.origin });
});
